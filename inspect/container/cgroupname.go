package container

import "strings"

// hexID returns s where it is an id as Docker, containerd, CRI-O and Podman
// make them: 64 lower-case hexadecimal digits.
func hexID(s string) (string, bool) {
	if len(s) != 64 || !isHex(s) {
		return "", false
	}
	return s, true
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// isBuildID reports whether s is a build step of BuildKit: 25 digits in base 36.
func isBuildID(s string) bool {
	if len(s) != 25 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// isContainerdID reports whether containerd takes s as an id: letters, digits,
// and single separators between them, up to 76 bytes.
func isContainerdID(s string) bool {
	sep := true // one before may not be a separator
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			sep = false
		case !sep && (c == '-' || c == '_' || c == '.'):
			sep = true
		default:
			return false
		}
	}
	return !sep && len(s) <= 76
}

// podUID returns the uid of a Kubernetes pod from the directory of the pod,
// "pod<uid>" or "kubepods-burstable-pod<uid>.slice", where systemd's driver
// writes _ for -. It is "" for any other directory.
func podUID(name string) string {
	uid, ok := strings.CutPrefix(name, "pod")
	if !ok {
		uid, ok = sliceUID(name)
	}
	if !ok || !isUID(uid) {
		return ""
	}
	return strings.ReplaceAll(uid, "_", "-")
}

func sliceUID(name string) (string, bool) {
	end := strings.Index(name, ".slice")
	start := strings.LastIndex(name, "-pod")
	if start < 0 || end < start || !strings.Contains(name[:start], "kubepods") {
		return "", false
	}
	return name[start+len("-pod") : end], true
}

// isUID takes a UUID, or the 32 digits of the hash that names a static pod.
func isUID(s string) bool {
	if len(s) == 32 {
		return isHex(s)
	}
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-' || s[i] == '_') || !dash && !isHex(s[i:i+1]) {
			return false
		}
	}
	return true
}

// cutBoth cuts prefix and suffix off s, false where one is missing.
func cutBoth(s, prefix, suffix string) (string, bool) {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, suffix)
}

// unescape undoes the \xNN of systemd-escape(1). A dash, which stands for a
// slash there, cannot be meant so in the name of a machine and stays.
func unescape(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if i+4 <= len(s) && s[i:i+2] == `\x` && isHex(s[i+2:i+4]) {
			b = append(b, unhex(s[i+2])<<4|unhex(s[i+3]))
			i += 3
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

func unhex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}
