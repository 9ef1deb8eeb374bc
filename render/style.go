package render

// Style is how a cell looks on a terminal with colours.
type Style uint8

// The styles. They say what a cell is, not which colour it has.
const (
	Plain Style = iota
	Heading
	Name // what the user would type, such as a container's name
	Faint
	Good
	Warning
	Bad
)

// sgr holds the parameters of ECMA-48's "select graphic rendition".
var sgr = [...]string{Plain: "", Heading: "1", Name: "36", Faint: "2", Good: "32", Warning: "33", Bad: "31"}

// Paint wraps s, which must have passed [Sanitize], in the style's colour. It
// returns s itself where colours are off.
func (o Options) Paint(st Style, s string) string {
	if !o.Color || st == Plain || s == "" {
		return s
	}
	return "\x1b[" + sgr[st] + "m" + s + "\x1b[0m"
}
