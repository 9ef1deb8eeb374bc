package main

import (
	"runtime"
	"runtime/debug"
)

// collectLater has the garbage of the first 32 MiB of memory left alone, which
// is more than most runs need; the first collection has those after it come as
// usual. A GOGC of the user stays. It stops the program for a moment, so it is
// for those that read a host.
func collectLater() {
	const usual, start = 100, 800 // percent; 100 is of 4 MiB
	if old := debug.SetGCPercent(start); old != usual {
		debug.SetGCPercent(old)
		return
	}
	runtime.AddCleanup(new(*int), func(percent int) { debug.SetGCPercent(percent) }, usual)
}
