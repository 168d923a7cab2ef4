package thinq

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"unicode/utf8"
)

// maxNesting is how deep objects and lists may be nested. LG uses seven levels.
const maxNesting = 64

// maxValues is how many values one answer or message may have. A list of LG's of
// two thousand appliances has forty thousand.
const maxValues = 1 << 16

var errValues = fmt.Errorf("JSON of more than %d values", maxValues)

var errNesting = fmt.Errorf("JSON nested deeper than %d levels", maxNesting)

// checkJSON says whether data is one JSON value (RFC 8259) and not nested too
// deeply. It accepts what encoding/json accepts; a [cursor] relies on it.
func checkJSON(data []byte) error {
	c := checker{data: data}
	c.space()
	ok := c.value(0)
	c.space()
	switch {
	case c.deep:
		return errNesting
	case c.values > maxValues:
		return errValues
	case len(data) == 0:
		return errors.New("empty")
	case !ok || c.pos < len(data):
		return fmt.Errorf("not JSON from byte %d on", c.pos)
	}
	return nil
}

// A checker reads forward as long as it sees JSON. Its methods say whether they
// found what they are named after.
type checker struct {
	data   []byte
	pos    int
	deep   bool // stopped by maxNesting
	values int  // seen so far; stopped by maxValues
}

func (c *checker) space() {
	for c.pos < len(c.data) && isSpace(c.data[c.pos]) {
		c.pos++
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\t' || b == '\r' }

// char reads b and the space behind it.
func (c *checker) char(b byte) bool {
	if c.pos >= len(c.data) || c.data[c.pos] != b {
		return false
	}
	c.pos++
	c.space()
	return true
}

func (c *checker) value(depth int) bool {
	if c.values++; c.values > maxValues || c.pos >= len(c.data) {
		return false
	}
	switch c.data[c.pos] {
	case '{':
		return c.nested(depth+1, '}', c.member)
	case '[':
		return c.nested(depth+1, ']', c.value)
	case '"':
		return c.text()
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	}
	return c.number()
}

// nested reads items separated by commas up to the closing bracket.
func (c *checker) nested(depth int, closing byte, item func(int) bool) bool {
	if depth > maxNesting {
		c.deep = true
		return false
	}
	c.pos++
	c.space()
	if c.pos < len(c.data) && c.data[c.pos] == closing {
		c.pos++
		return true
	}
	for item(depth) {
		c.space()
		if c.pos < len(c.data) && c.data[c.pos] == closing {
			c.pos++
			return true
		}
		if !c.char(',') {
			return false
		}
	}
	return false
}

func (c *checker) member(depth int) bool {
	if !c.text() {
		return false
	}
	c.space()
	return c.char(':') && c.value(depth)
}

func (c *checker) literal(word string) bool {
	if len(c.data)-c.pos < len(word) || string(c.data[c.pos:c.pos+len(word)]) != word {
		return false
	}
	c.pos += len(word)
	return true
}

func (c *checker) text() bool {
	if c.pos >= len(c.data) || c.data[c.pos] != '"' {
		return false
	}
	for c.pos++; c.pos < len(c.data); c.pos++ {
		switch b := c.data[c.pos]; {
		case b == '"':
			c.pos++
			return true
		case b == '\\':
			if !c.escape() {
				return false
			}
		case b < ' ':
			return false
		}
	}
	return false
}

// escape stops on the last byte of the escape sequence.
func (c *checker) escape() bool {
	c.pos++
	if c.pos >= len(c.data) {
		return false
	}
	switch c.data[c.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			c.pos++
			if c.pos >= len(c.data) || !isHex(c.data[c.pos]) {
				return false
			}
		}
		return true
	}
	return false
}

func isHex(b byte) bool { return isDigit(b) || 'a' <= b|0x20 && b|0x20 <= 'f' }

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func (c *checker) number() bool {
	c.oneOf("-")
	if !c.oneOf("0") && !c.digits() {
		return false
	}
	if c.oneOf(".") && !c.digits() {
		return false
	}
	if c.oneOf("eE") {
		c.oneOf("+-")
		return c.digits()
	}
	return true
}

func (c *checker) oneOf(bytes string) bool {
	for i := range len(bytes) {
		if c.pos < len(c.data) && c.data[c.pos] == bytes[i] {
			c.pos++
			return true
		}
	}
	return false
}

func (c *checker) digits() bool {
	start := c.pos
	for c.pos < len(c.data) && isDigit(c.data[c.pos]) {
		c.pos++
	}
	return c.pos > start
}

// A cursor walks through a text that [checkJSON] has accepted, so it meets no
// faults. A copy of a cursor looks ahead.
type cursor struct {
	data []byte
	pos  int
}

// kind is the first byte of the value the cursor stands before.
func (c *cursor) kind() byte {
	for isSpace(c.data[c.pos]) {
		c.pos++
	}
	return c.data[c.pos]
}

// enter steps into an object or a list.
func (c *cursor) enter() {
	c.kind()
	c.pos++
}

// member steps before the value of the next member of the object entered; at
// its end it steps behind it and ok is false. The key is valid until data
// changes.
func (c *cursor) member() (key []byte, ok bool) {
	if !c.element() {
		return nil, false
	}
	key = c.text()
	c.kind()
	c.pos++ // the colon
	return key, true
}

// element steps before the next element of the list entered, or behind the list.
func (c *cursor) element() bool {
	switch c.kind() {
	case '}', ']':
		c.pos++
		return false
	case ',':
		c.pos++
		c.kind()
	}
	return true
}

// text reads a string.
func (c *cursor) text() []byte {
	c.kind()
	start := c.pos + 1
	for i := start; ; i++ {
		switch b := c.data[i]; {
		case b == '"':
			c.pos = i + 1
			return c.data[start:i]
		case b == '\\' || b >= utf8.RuneSelf:
			return c.unquote()
		}
	}
}

// unquote reads a string that is more than plain ASCII, as encoding/json does:
// bytes that are not UTF-8 become U+FFFD.
func (c *cursor) unquote() []byte {
	var s string
	_ = json.Unmarshal(c.raw(), &s) // it was checked
	return []byte(s)
}

// raw reads any value and returns its text.
func (c *cursor) raw() []byte {
	c.kind()
	start := c.pos
	c.skip()
	return c.data[start:c.pos:c.pos]
}

// skip reads any value.
func (c *cursor) skip() {
	switch c.kind() {
	case '"':
		c.skipText()
	case '{', '[':
		c.skipNested()
	default:
		for c.pos < len(c.data) && !isEnd(c.data[c.pos]) {
			c.pos++
		}
	}
}

func isEnd(b byte) bool { return b == ',' || b == '}' || b == ']' || isSpace(b) }

func (c *cursor) skipText() {
	for c.pos++; c.data[c.pos] != '"'; c.pos++ {
		if c.data[c.pos] == '\\' {
			c.pos++
		}
	}
	c.pos++
}

func (c *cursor) skipNested() {
	for depth := 0; ; {
		switch c.data[c.pos] {
		case '"':
			c.skipText()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		c.pos++
		if depth == 0 {
			return
		}
	}
}

// members are the members of the object the cursor stands before, in order;
// none if it is no object.
func (c cursor) members() iter.Seq2[string, cursor] {
	return func(yield func(string, cursor) bool) {
		if c.kind() != '{' {
			return
		}
		c.enter()
		for key, ok := c.member(); ok; key, ok = c.member() {
			if !yield(string(key), c) {
				return
			}
			c.skip()
		}
	}
}

// elements are the elements of the list the cursor stands before; what is no
// list is taken as a list of one.
func (c cursor) elements() iter.Seq[cursor] {
	return func(yield func(cursor) bool) {
		if c.kind() != '[' {
			yield(c)
			return
		}
		c.enter()
		for c.element() {
			if !yield(c) {
				return
			}
			c.skip()
		}
	}
}

// findText is the string with that key in an object, nil if there is none.
func (c cursor) findText(key string) []byte {
	if at, ok := c.find(key); ok && at.kind() == '"' {
		return at.text()
	}
	return nil
}

// find looks for the member of an object with that key.
func (c cursor) find(key string) (at cursor, ok bool) {
	if c.kind() != '{' {
		return c, false
	}
	c.enter()
	for k, ok := c.member(); ok; k, ok = c.member() {
		if string(k) == key {
			return c, true
		}
		c.skip()
	}
	return c, false
}
