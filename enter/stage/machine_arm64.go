package stage

var hostArch = archARM64
