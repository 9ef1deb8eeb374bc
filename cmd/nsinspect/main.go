//go:build !man

//go:debug updatemaxprocs=0

// Nsinspect inspects and debugs the namespaces of a Linux host.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}
