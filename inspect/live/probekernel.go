package live

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probeStatmount asks listmount(2) for a mount and statmount(2) about it.
func probeStatmount() error {
	type request struct {
		size, _   uint32
		mount     uint64
		param, ns uint64
	}
	const (
		firstSize = 24          // of struct mnt_id_req in Linux 6.8
		root      = ^uint64(0)  // LSMT_ROOT
		basic     = uint64(0x2) // STATMOUNT_MNT_BASIC
	)
	var id uint64
	req := request{size: firstSize, mount: root}
	n, _, errno := unix.Syscall6(unix.SYS_LISTMOUNT, uintptr(unsafe.Pointer(&req)), uintptr(unsafe.Pointer(&id)), 1, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if n == 0 {
		return errors.New("no mount is in sight")
	}
	var buf [1024]byte
	req = request{size: firstSize, mount: id, param: basic}
	_, _, errno = unix.Syscall6(unix.SYS_STATMOUNT, uintptr(unsafe.Pointer(&req)), uintptr(unsafe.Pointer(&buf)), uintptr(len(buf)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func probeRoute() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// probeNetfilter looks whether the kernel listens, and opens no socket where
// it does not: that would load a module.
func probeNetfilter() error {
	sockets, err := os.ReadFile("/proc/thread-self/net/netlink")
	if err != nil {
		return err
	}
	if !netlinkListens(sockets, unix.NETLINK_NETFILTER) {
		return errors.New("the kernel module nfnetlink is not loaded: there are no rules of nf_tables")
	}
	if !hasCapability(unix.CAP_NET_ADMIN) {
		return unix.EPERM
	}
	return nil
}

// netlinkListens looks for a socket of the kernel, port id 0, in the lines of
// /proc/net/netlink: sk Eth Pid Groups …, where Eth is the protocol.
func netlinkListens(file []byte, protocol int) bool {
	want := strconv.Itoa(protocol)
	for line := range bytes.Lines(file) {
		f := bytes.Fields(line)
		if len(f) > 2 && string(f[1]) == want && string(f[2]) == "0" {
			return true
		}
	}
	return false
}

// hasCapability reports whether the capability is effective.
func hasCapability(n int) bool {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&hdr, &data[0])
	return err == nil && data[n/32].Effective&(1<<(n%32)) != 0
}

// probeUserNamespace makes a user namespace as any user would, unless a
// setting says that those may not.
func probeUserNamespace() error {
	for _, s := range []struct{ file, forbids, why string }{
		{"user/max_user_namespaces", "0", "user.max_user_namespaces is 0"},
		{"kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone is 0: root alone may"},
		{"kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns is 1: without capabilities for unprivileged users"},
	} {
		b, err := os.ReadFile("/proc/sys/" + s.file)
		if err == nil && strings.TrimSpace(string(b)) == s.forbids {
			return errors.New(s.why)
		}
	}
	return tryUserNamespace()
}

// tryUserNamespace starts a child in a new user namespace that finds no
// program to run, and ends. Only if it could be made the error is about that.
func tryUserNamespace() error {
	_, err := syscall.ForkExec("/proc/self/ns/user/none", nil, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER},
	})
	switch {
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		return fmt.Errorf("no more of them are allowed (user.max_user_namespaces): %w", err)
	}
	return err
}

func probeBTF() error {
	const file = "/sys/kernel/btf/vmlinux"
	fd, err := openFile(unix.AT_FDCWD, file)
	if gone(err) {
		return fmt.Errorf("%s is missing: the kernel was built without CONFIG_DEBUG_INFO_BTF", file)
	}
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// probeBPF loads a program that returns 0, and drops it.
func probeBPF() error {
	var code [16]byte
	code[0] = 0xb7 // r0 = 0
	code[8] = 0x95 // exit
	license := []byte("GPL\x00")
	// The beginning of union bpf_attr for BPF_PROG_LOAD, linux/bpf.h.
	attr := struct {
		progType, insnCount uint32
		insns, license      uint64
		logLevel, logSize   uint32
		log                 uint64
		version, flags      uint32
	}{
		progType: unix.BPF_PROG_TYPE_RAW_TRACEPOINT, insnCount: 2,
		insns: uint64(uintptr(unsafe.Pointer(&code))), license: uint64(uintptr(unsafe.Pointer(&license[0]))),
	}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	runtime.KeepAlive(&code)
	runtime.KeepAlive(license)
	if errno != 0 {
		return errno
	}
	unix.Close(int(fd))
	return nil
}

// probeCgroup tells which version of cgroups is in use, see cgroups(7).
func probeCgroup() error {
	var st unix.Statfs_t
	if err := unix.Statfs("/sys/fs/cgroup", &st); err != nil {
		return err
	}
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		return nil
	}
	if err := unix.Statfs("/sys/fs/cgroup/unified", &st); err == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
		return note("beside version 1 (hybrid)")
	}
	return errors.New("version 1 is in use")
}
