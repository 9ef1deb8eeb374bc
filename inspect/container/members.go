package container

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// found is what is read of the answer to GET /containers/NAME/json.
type found struct {
	ID    string `json:"Id"`
	Name  string
	State struct {
		Status string
		Pid    int
	}
}

// parseFound reads the answer. It is two or more KiB of which four values are
// wanted, and `enter web1` waits for it, so they are picked out first;
// encoding/json, which takes a tenth of a millisecond to get going, reads what
// is not as plain as engines write it.
func parseFound(answer []byte) (found, error) {
	if f, ok := pickFound(answer); ok {
		return f, nil
	}
	var f found
	err := json.Unmarshal(answer, &f)
	return f, err
}

// pickFound picks the values; false where it takes more than that to read
// them. What it reads of valid JSON is what encoding/json reads.
func pickFound(answer []byte) (f found, ok bool) {
	plain := true
	state := func(key, value []byte) {
		switch string(bytes.ToLower(key)) {
		case "status":
			plain = plain && string(key) == "Status" && pickString(value, &f.State.Status)
		case "pid":
			plain = plain && string(key) == "Pid" && pickInt(value, &f.State.Pid)
		}
	}
	top := func(key, value []byte) {
		switch string(bytes.ToLower(key)) {
		case "id":
			plain = plain && string(key) == "Id" && pickString(value, &f.ID)
		case "name":
			plain = plain && string(key) == "Name" && pickString(value, &f.Name)
		case "state":
			whole := members(value, state) // before plain is read, which it may change
			plain = plain && whole && string(key) == "State"
		}
	}
	ok = members(answer, top) && plain
	return f, ok
}

// members calls each with the key, without quotes, and the value, as it is
// written, of the members of a JSON object (RFC 8259). It is false where text
// is not one whole object, or a key has other than plain ASCII characters.
// Values are told from each other but not checked.
func members(text []byte, each func(key, value []byte)) bool {
	rest, ok := bytes.CutPrefix(trimBlank(text), []byte("{"))
	for first := true; ok; first = false {
		rest = trimBlank(rest)
		if len(rest) > 0 && rest[0] == '}' && first {
			return len(trimBlank(rest[1:])) == 0
		}
		key, after := cutValue(rest)
		if !plainString(key) {
			return false
		}
		after, ok = bytes.CutPrefix(trimBlank(after), []byte(":"))
		if !ok {
			return false
		}
		value, after := cutValue(trimBlank(after))
		if len(value) == 0 {
			return false
		}
		each(key[1:len(key)-1], value)
		after = trimBlank(after)
		if len(after) > 0 && after[0] == '}' {
			return len(trimBlank(after[1:])) == 0
		}
		rest, ok = bytes.CutPrefix(after, []byte(","))
	}
	return false
}

// cutValue cuts text after its first value, which is empty where there is
// none, or none that ends.
func cutValue(text []byte) (value, rest []byte) {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			n := stringLen(text[i:])
			if n == 0 {
				return nil, nil
			}
			i += n - 1
			if depth == 0 {
				return text[:i+1], text[i+1:]
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return text[:i], text[i:]
			}
			if depth == 0 {
				return text[:i+1], text[i+1:]
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return text[:i], text[i:]
			}
		}
	}
	return nil, nil
}

// stringLen is the length of the string that text begins with, quotes
// included; 0 when it does not end.
func stringLen(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

func trimBlank(text []byte) []byte { return bytes.Trim(text, " \t\r\n") }

// plainString reports whether value is a string of ASCII characters that
// stand for themselves.
func plainString(value []byte) bool {
	if len(value) < 2 || value[0] != '"' {
		return false
	}
	for _, c := range value[1 : len(value)-1] {
		if c < ' ' || c >= 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

func pickString(value []byte, to *string) bool {
	if !plainString(value) {
		return false
	}
	*to = string(value[1 : len(value)-1])
	return true
}

func pickInt(value []byte, to *int) bool {
	n, err := strconv.Atoi(string(value))
	if err != nil || value[0] == '+' || len(value) > 1 && value[0] == '0' {
		return false
	}
	*to = n
	return true
}
