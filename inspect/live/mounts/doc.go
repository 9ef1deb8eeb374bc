// Package mounts reads the mounts of every mount namespace: from Linux 6.12 on
// by asking the kernel for all of them, also those without process and what
// is covered or outside of a root; before that from the mountinfo of a task in
// each, or of a thread that enters it.
package mounts
