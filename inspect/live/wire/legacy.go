package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// legacyRules are the tables of the older iptables.
type legacyRules struct {
	tables []legacyTable
	unread []string // as [inspect.Ruleset.Legacy]
}

// join puts what was read beside what nf_tables has.
func (l *legacyRules) join(rs *inspect.Ruleset) {
	rs.Legacy = l.unread
	for i := range l.tables {
		t := &l.tables[i]
		rs.Tables = append(rs.Tables, t.NFTable)
		rs.Chains = append(rs.Chains, t.chains...)
		rs.Rules = append(rs.Rules, t.rules...)
	}
}

// legacyFamilies are the families of the older iptables, each with the file
// that lists its tables. The numbers of the socket options are the same.
var legacyFamilies = [...]struct {
	file   string
	family inspect.NFFamily
	domain int
	level  int
}{
	{"ip_tables_names", inspect.NFIPv4, unix.AF_INET, unix.SOL_IP},
	{"ip6_tables_names", inspect.NFIPv6, unix.AF_INET6, unix.SOL_IPV6},
}

// legacy reads the tables of the older iptables. It must run on a thread in
// the namespace. Only tables that the namespace has are asked for: the kernel
// makes one that it is asked for, and would have it from then on.
func (v *visitor) legacy(r *room, out *legacyRules) error {
	if v.netDir < 0 {
		var err error
		path := v.o.ProcRoot + "/thread-self/net"
		if v.netDir, err = unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			return &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
	var denied error
	for _, f := range legacyFamilies {
		// The file exists only where the module is loaded.
		b, err := readFileAt(v.netDir, f.file)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return &fs.PathError{Op: "read", Path: f.file, Err: err}
		}
		names := strings.Fields(string(b))
		if len(names) == 0 {
			continue
		}
		unread, err := out.family(f.family, f.domain, f.level, names)
		if len(unread) > 0 {
			out.unread = append(out.unread, f.family.String()+": "+strings.Join(unread, " "))
		}
		if errors.Is(err, fs.ErrPermission) {
			denied = err
		} else {
			v.bugs.add("read netfilter tables of network namespace", r.src.ID, err)
		}
	}
	return denied
}

// family reads the tables of a family. It returns those that it could not
// read, and the first reason.
func (l *legacyRules) family(f inspect.NFFamily, domain, level int, names []string) (unread []string, bad error) {
	// Any socket of the family will do; this one needs no privilege to open.
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return names, fmt.Errorf("open socket to ask for tables: %w", err)
	}
	defer unix.Close(fd)
	for _, name := range names {
		t, err := readLegacy(fd, level, f, name)
		if err == nil {
			l.tables = append(l.tables, t)
			continue
		}
		unread = append(unread, name)
		if bad == nil {
			bad = fmt.Errorf("table %s of %s: %w", name, f, err)
		}
	}
	return unread, bad
}

// The socket options of linux/netfilter_ipv4/ip_tables.h: IPT_SO_GET_INFO and
// IPT_SO_GET_ENTRIES. Those of ip6_tables.h have the same numbers.
const (
	xtGetInfo    = 64
	xtGetEntries = 65
)

// xtNameLen is XT_TABLE_MAXNAMELEN of linux/netfilter/x_tables.h.
const xtNameLen = 32

// maxLegacy bounds what one table may have: 256 MiB are a million rules.
const maxLegacy = 256 << 20

var errChanging = errors.New("it changes all the time")

// readLegacy reads one table. The kernel gives its size and its rules apart:
// both are asked again until they belong together.
func readLegacy(fd, level int, f inspect.NFFamily, name string) (legacyTable, error) {
	for range tries {
		info, err := legacyInfo(fd, level, name)
		if err != nil {
			return legacyTable{}, err
		}
		if info.size > maxLegacy {
			return legacyTable{}, fmt.Errorf("%d bytes of rules: %w", info.size, errLayout)
		}
		// struct ipt_get_entries: char name[32], u32 size, then the entries,
		// which are aligned as a u64 is.
		head := alignC64(xtNameLen + 4)
		buf := make([]byte, head+int(info.size))
		copy(buf[:xtNameLen-1], name)
		native.PutUint32(buf[xtNameLen:], info.size)
		err = getsockopt(fd, level, xtGetEntries, buf)
		if err == unix.EAGAIN || err == unix.EINTR {
			continue // it has another size by now
		}
		if err != nil {
			return legacyTable{}, fmt.Errorf("get entries: %w", err)
		}
		if again, err := legacyInfo(fd, level, name); err != nil || again != info {
			continue
		}
		return parseLegacy(f, name, info, buf[head:])
	}
	return legacyTable{}, errChanging
}

func legacyInfo(fd, level int, name string) (legacyLayout, error) {
	buf := make([]byte, sizeofXtInfo)
	copy(buf[:xtNameLen-1], name)
	if err := getsockopt(fd, level, xtGetInfo, buf); err != nil {
		return legacyLayout{}, fmt.Errorf("get info: %w", err)
	}
	return parseLayout(buf), nil
}

// getsockopt is getsockopt(2) of an option that has a name within its value.
// The kernel may wait for another who changes the table.
func getsockopt(fd, level, option int, b []byte) error {
	n := uint32(len(b))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// cstring is a name that ends at its first zero byte.
func cstring(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return text(b)
}
