// Package stage carries out a list of system calls in a process of one thread.
//
// The Go runtime has many threads, and the kernel refuses to move such a
// process into a user, mount or time namespace (setns(2), unshare(2)). So the
// work is written down as a [Program]: data, made of a few simple operations.
// [Prepare] puts the program and a tiny machine that interprets it into an
// executable image in a sealed memory file; executing that file replaces the
// Go process by one single thread with the same pid, which runs the program
// and ends in the execve(2) of the user's command.
//
// The machine is some eighty instructions of assembly for each architecture;
// stage/interp is the reference against which it is tested.
package stage
