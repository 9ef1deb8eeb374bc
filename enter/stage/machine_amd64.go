package stage

var hostArch = archAMD64
