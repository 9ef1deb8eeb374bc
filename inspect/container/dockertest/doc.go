// Package dockertest gives the tests of a package a Docker daemon of their
// own: in its own network and mount namespaces, with a private /run, its data
// and its socket in one temporary directory, and images made on the spot. The
// machine's own Docker, interfaces and firewall rules are not touched, and no
// registry is asked.
//
//	var docker dockertest.Daemon
//
//	func TestMain(m *testing.M) { os.Exit(docker.Tests(m).Run()) }
//
//	func TestName(t *testing.T) {
//		docker.Start(t)
//		id := docker.Run(t, "--name", "web1")
//		...
//	}
//
// The daemon starts with the first test that needs it and is shared by the
// package. Its containers are in the machine's pid namespace as any daemon's
// are, so that what docker inspect tells can be compared with /proc.
//
// Everything is the offspring of one supervising process, which is the test
// binary itself, run again. When the test binary ends, whatever way (SIGKILL,
// a panic, a time limit), it kills all that descends from it, removes the
// cgroups and the directory and goes. The namespaces and mounts go with it.
package dockertest
