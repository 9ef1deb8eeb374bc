//go:build !man

//go:debug updatemaxprocs=0

// Nsinspect inspects and debugs the namespaces of a Linux host.
package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

func main() {
	collectLater()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

// collectLater has the garbage of the first 32 MiB of memory left alone, which
// is more than most runs need; the first collection has those after it come as
// usual. A GOGC of the user stays.
func collectLater() {
	const usual, start = 100, 800 // percent; 100 is of 4 MiB
	if old := debug.SetGCPercent(start); old != usual {
		debug.SetGCPercent(old)
		return
	}
	runtime.AddCleanup(new(*int), func(percent int) { debug.SetGCPercent(percent) }, usual)
}
