//go:build !amd64 && !arm64

package stage

// Supported says whether this architecture has a machine.
const Supported = false

var hostArch arch

func machineCode() []byte { return nil }
