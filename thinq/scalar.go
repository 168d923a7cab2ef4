package thinq

// scalar reads a word, number, truth value or null. Objects, lists and numbers
// that no float64 holds are read over; ok is false then.
func (c *cursor) scalar() (v any, ok bool) {
	switch c.kind() {
	case '{', '[':
		c.skip()
		return nil, false
	case '"':
		return string(c.text()), true
	case 't', 'f':
		return c.raw()[0] == 't', true
	case 'n':
		c.skip()
		return nil, true
	}
	f, ok := parseNumber(c.raw())
	return box(f), ok
}

// scalar reads the value of a member, nil if the profile lacks it. What came in
// another type than the profile says is put right where that is exact.
func (d *decoder) scalar(m *member) (v any, ok bool) {
	switch {
	case d.kind() == '"':
		return d.text(m)
	case m != nil && m.numeric:
		return d.digits()
	}
	return d.cursor.scalar()
}

func (d *decoder) text(m *member) (any, bool) {
	text := d.cursor.text()
	if m != nil {
		switch m.kind {
		case Range, Number:
			if f, ok := parseNumber(text); ok {
				return box(f), true
			}
		case Bool:
			if b, ok := asBool(string(text)); ok {
				return b, true
			}
		}
		if len(text) == 0 && m.kind != Text && m.kind != "" {
			return nil, true // where a word should be, nothing is said
		}
	}
	if v, ok := d.profile.words[string(text)]; ok {
		return v, true
	}
	return string(text), true
}

// digits reads a number as the word that spells it.
func (d *decoder) digits() (any, bool) {
	v, ok := d.cursor.scalar()
	f, isNumber := v.(float64)
	if !isNumber {
		return v, ok
	}
	text := show(f)
	if v, ok := d.profile.words[text]; ok {
		return v, true
	}
	return text, true
}

// boxes holds the numbers that appliances say all day, halves from -64 to 191.5,
// ready as values of a State.
var boxes = func() (boxes [512]any) {
	for i := range boxes {
		boxes[i] = float64(i-firstBox) / 2
	}
	return boxes
}()

const firstBox = 128

func box(f float64) any {
	if i := int(f*2) + firstBox; i >= 0 && i < len(boxes) && boxes[i] == f {
		return boxes[i]
	}
	return f
}
