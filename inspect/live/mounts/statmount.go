package mounts

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// request is struct mnt_id_req of linux/mount.h, as of Linux 6.11.
type request struct {
	size, _ uint32
	mount   uint64
	param   uint64 // listmount: after which mount to begin; statmount: what to tell
	ns      uint64
}

const (
	listRoot = ^uint64(0) // LSMT_ROOT

	wantSuper      = 1 << 0 // STATMOUNT_SB_BASIC
	wantMount      = 1 << 1 // STATMOUNT_MNT_BASIC
	wantFrom       = 1 << 2 // STATMOUNT_PROPAGATE_FROM
	wantRoot       = 1 << 3 // STATMOUNT_MNT_ROOT
	wantPoint      = 1 << 4 // STATMOUNT_MNT_POINT
	wantType       = 1 << 5 // STATMOUNT_FS_TYPE
	wantOptions    = 1 << 7 // STATMOUNT_MNT_OPTS
	wantSubtype    = 1 << 8 // STATMOUNT_FS_SUBTYPE
	wantSource     = 1 << 9 // STATMOUNT_SB_SOURCE
	wantCheap      = wantSuper | wantMount
	wantBind       = wantCheap | wantRoot | wantPoint
	wantEverything = wantBind | wantFrom | wantType | wantOptions | wantSubtype | wantSource

	nsfsMagic = 0x6e736673 // NSFS_MAGIC of linux/magic.h
	procMagic = 0x9fa0     // PROC_SUPER_MAGIC
)

// listMounts appends the ids of all mounts of a mount namespace, listmount(2).
func listMounts(ns uint64, ids []uint64) ([]uint64, error) {
	req := request{mount: listRoot, ns: ns}
	req.size = uint32(unsafe.Sizeof(req))
	var buf [512]uint64
	for {
		n, _, errno := unix.Syscall6(unix.SYS_LISTMOUNT, uintptr(unsafe.Pointer(&req)), uintptr(unsafe.Pointer(&buf)), uintptr(len(buf)), 0, 0, 0)
		if errno != 0 {
			return ids, errno
		}
		ids = append(ids, buf[:n]...)
		if int(n) < len(buf) {
			return ids, nil
		}
		req.param = buf[n-1]
	}
}

// stat is struct statmount of linux/mount.h with its strings behind it.
type stat []byte

const statSize = 512 // of struct statmount without its strings

// statMount asks for a mount, statmount(2). It grows buf as needed.
func statMount(ns, mount, want uint64, buf []byte) (stat, []byte, error) {
	req := request{mount: mount, param: want, ns: ns}
	req.size = uint32(unsafe.Sizeof(req))
	for {
		_, _, errno := unix.Syscall6(unix.SYS_STATMOUNT, uintptr(unsafe.Pointer(&req)), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0, 0)
		switch {
		case errno == unix.EOVERFLOW && len(buf) < 1<<20:
			buf = make([]byte, 2*len(buf))
		case errno == unix.EINTR:
		case errno != 0:
			return nil, buf, errno
		default:
			size := min(int(binary.NativeEndian.Uint32(buf)), len(buf))
			return stat(buf[:max(size, statSize)]), buf, nil
		}
	}
}

func (s stat) u32(off int) uint32 { return binary.NativeEndian.Uint32(s[off:]) }
func (s stat) u64(off int) uint64 { return binary.NativeEndian.Uint64(s[off:]) }

// str is the string whose offset is at off, if want says that it was told.
func (s stat) str(off int, want uint64) string {
	at := statSize + int(s.u32(off))
	if s.mask()&want == 0 || at > len(s) {
		return ""
	}
	b, _, _ := bytes.Cut(s[at:], []byte{0})
	return string(b)
}

// The fields of struct statmount.
func (s stat) mask() uint64    { return s.u64(8) }
func (s stat) device() uint64  { return unix.Mkdev(s.u32(16), s.u32(20)) }
func (s stat) magic() uint64   { return s.u64(24) }
func (s stat) id() int         { return int(s.u32(56)) } // as in mountinfo
func (s stat) parent() int     { return int(s.u32(60)) }
func (s stat) root() string    { return s.str(104, wantRoot) }
func (s stat) point() string   { return s.str(108, wantPoint) }
func (s stat) fsType() string  { return s.str(36, wantType) }
func (s stat) subtype() string { return s.str(120, wantSubtype) }

// mount turns what the kernel says into a Mount.
func (s stat) mount(ns inspect.ID) inspect.Mount {
	m := inspect.Mount{
		NS: ns, MountID: uint64(s.id()), ParentID: uint64(s.parent()),
		Device: fmt.Sprintf("%d:%d", s.u32(16), s.u32(20)),
		Root:   s.root(), Point: s.point(), FSType: s.fsType(), Source: s.str(124, wantSource),
		Options: attributes(s.u64(64)), SuperOptions: superOptions(s.u32(32), s.str(4, wantOptions)),
		Shared: int(s.u64(80)), Master: int(s.u64(88)), PropagateFrom: int(s.u64(96)),
		Unbindable: s.u64(72)&unix.MS_UNBINDABLE != 0,
	}
	if m.PropagateFrom == m.Master {
		m.PropagateFrom = 0 // mountinfo leaves it out then
	}
	if sub := s.subtype(); sub != "" {
		m.FSType += "." + sub
	}
	return m
}

// attributes writes MOUNT_ATTR_* of mount_setattr(2) as mountinfo does.
func attributes(attr uint64) string {
	words := []string{"rw"}
	if attr&unix.MOUNT_ATTR_RDONLY != 0 {
		words[0] = "ro"
	}
	for _, a := range []struct {
		bit  uint64
		word string
	}{
		{unix.MOUNT_ATTR_NOSUID, "nosuid"},
		{unix.MOUNT_ATTR_NODEV, "nodev"},
		{unix.MOUNT_ATTR_NOEXEC, "noexec"},
		{unix.MOUNT_ATTR_NOATIME, "noatime"},
		{unix.MOUNT_ATTR_NODIRATIME, "nodiratime"},
		{unix.MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow"},
		{unix.MOUNT_ATTR_IDMAP, "idmapped"},
	} {
		if attr&a.bit != 0 {
			words = append(words, a.word)
		}
	}
	if attr&unix.MOUNT_ATTR__ATIME == unix.MOUNT_ATTR_RELATIME {
		words = append(words, "relatime")
	}
	return strings.Join(words, ",")
}

// superOptions puts rw or ro before the options of the file system.
func superOptions(flags uint32, options string) string {
	word := "rw"
	if flags&unix.MS_RDONLY != 0 {
		word = "ro"
	}
	if options == "" {
		return word
	}
	return word + "," + options
}
