package live

import (
	"strconv"
	"unicode/utf8"
)

// text returns b as valid UTF-8; see the package comment for the bytes that
// are not.
func text(b []byte) string {
	if utf8.Valid(b) && !hasEscape(b) {
		return string(b)
	}
	out := make([]byte, 0, len(b)+16)
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && size == 1:
			out = appendHex(out, b[0])
		case isEscape(b):
			out = appendHex(out, '\\')
		default:
			out = append(out, b[:size]...)
		}
		b = b[size:]
	}
	return string(out)
}

// untext is the inverse of text.
func untext(s string) []byte {
	out := make([]byte, 0, len(s))
	for len(s) > 0 {
		if isEscape([]byte(s[:min(len(s), 4)])) {
			c, _ := strconv.ParseUint(s[2:4], 16, 8)
			out, s = append(out, byte(c)), s[4:]
			continue
		}
		out, s = append(out, s[0]), s[1:]
	}
	return out
}

func hasEscape(b []byte) bool {
	for i := range b {
		if b[i] == '\\' && isEscape(b[i:]) {
			return true
		}
	}
	return false
}

// isEscape reports whether b begins with \xNN.
func isEscape(b []byte) bool {
	return len(b) >= 4 && b[0] == '\\' && b[1] == 'x' && isHex(b[2]) && isHex(b[3])
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func appendHex(out []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	return append(out, '\\', 'x', digits[c>>4], digits[c&15])
}
