package render

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks a letter may carry. Real scripts need
// no more; a pile of them paints over the lines above and below.
const maxMarks = 3

// Sanitize makes text from the host safe to show on one line of a terminal.
// Whatever does not show as itself becomes a visible escape as Go writes it:
// control characters including C1 (\n, \x1b, \u009b), bytes that are not UTF-8
// (\xff), line and paragraph separators, blanks other than the space, bidi
// controls, zero-width and other invisible characters (\u202e).
//
// A backslash stays as it is, because unit names and cgroup paths are full of
// them: so Sanitize is idempotent and not injective. The result is valid UTF-8
// and at most four times as long as s.
func Sanitize(s string) string {
	if i := firstUnsafe(s); i < len(s) {
		return escape(s, i)
	}
	return s
}

// firstUnsafe returns the index of the first byte that is not plain ASCII
// text, len(s) when there is none.
func firstUnsafe(s string) int {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return i
		}
	}
	return len(s)
}

func escape(s string, plain int) string {
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:plain])
	letter, marks := false, 0 // whether the last rune shown can carry a mark
	if plain > 0 {
		letter = isASCIILetter(s[plain-1])
	}
	for i := plain; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			writeEscape(&b, rune(s[i]), 'x')
			letter = false
		case unicode.Is(unicode.M, r) && isVisible(r):
			if marks++; letter && marks <= maxMarks {
				b.WriteRune(r)
			} else {
				writeEscape(&b, r, 0)
				letter = false
			}
		case isVisible(r):
			b.WriteRune(r)
			letter, marks = unicode.IsLetter(r), 0
		default:
			writeEscape(&b, r, 0)
			letter = false
		}
		i += n
	}
	return b.String()
}

func isASCIILetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// isVisible reports whether r shows as itself: letters, marks, digits,
// punctuation, symbols and the space, but for those that Unicode counts so
// and that are blank all the same.
func isVisible(r rune) bool {
	return unicode.IsPrint(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) &&
		!unicode.Is(unicode.Variation_Selector, r) && r != '\u2800' && !unicode.Is(unicode.Me, r)
}

// writeEscape writes r as Go would, or as \xNN where kind is 'x'.
func writeEscape(b *strings.Builder, r rune, kind byte) {
	var buf [10]byte
	out := buf[:0]
	switch {
	case r == '\n':
		out = append(out, `\n`...)
	case r == '\t':
		out = append(out, `\t`...)
	case r == '\r':
		out = append(out, `\r`...)
	case kind == 'x' || r < utf8.RuneSelf:
		out = append(out, '\\', 'x', hexDigits[r>>4], hexDigits[r&0xf])
	case r > 0xffff:
		out = appendU(out, r, 8)
	default:
		out = appendU(out, r, 4)
	}
	b.Write(out)
}

const hexDigits = "0123456789abcdef"
