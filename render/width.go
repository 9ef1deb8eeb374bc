package render

import (
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// displayOptions are fixed, so that no locale changes a layout: characters of
// ambiguous width, such as those that draw trees, have one column.
var displayOptions = displaywidth.Options{StrictEmojiNeutral: true}

// Width returns the number of columns that s, which must have passed
// [Sanitize], takes on a terminal.
func Width(s string) int {
	if firstUnsafe(s) == len(s) {
		return len(s)
	}
	return displayOptions.String(s)
}

// Truncate cuts s to at most width columns. The last of them then shows that
// something is missing.
func Truncate(s string, width int, ascii bool) string {
	if Width(s) <= width {
		return s
	}
	mark := "…"
	if ascii {
		mark = "~"
	}
	end, left := 0, width-1
	for i, r := range s {
		if left -= displayOptions.Rune(r); left < 0 {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	if width <= 0 {
		return ""
	}
	return s[:end] + mark
}
