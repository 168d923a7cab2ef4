package thinq

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Type is the type of a property's values.
type Type string

// The types of LG's profile grammar. Text is LG's "string" and, read-only, every
// type that LG may add; Constant is a bare value in the place of a descriptor.
const (
	Enum     Type = "enum"
	Bool     Type = "boolean"
	Range    Type = "range"
	Number   Type = "number"
	Text     Type = "string"
	Constant Type = "constant"
)

// Values is what a property may be, for reading or for writing: LG's lists for
// the two often differ.
type Values struct {
	Options        []any     // of an Enum (string) or Bool (bool), in LG's order
	Limited        bool      // Min, Max and Step hold
	Min, Max, Step float64   // Step is at least 1e-6 when Limited
	Except         []float64 // holes in the range
}

// A Property is one entry of a profile: what a value may be, and whether it can
// be read and set.
type Property struct {
	Path               Path
	Type               Type
	Readable, Writable bool
	Read, Write        Values
	Unit               string // "C", "F", "MINUTE", "%", … as LG spells it; empty if none
	Constant           any    // of a Constant
}

// Check says why v (string, bool or float64) cannot be written, in words for a
// user that name what is allowed; nil if it can. Where LG lists no values for
// writing, every value of the type can be written.
func (p Property) Check(v any) error {
	if err := p.check(v); err != nil {
		return fmt.Errorf("%s: %w", spell(p.Path), err)
	}
	return nil
}

func (p Property) check(v any) error {
	if !p.Writable {
		return errors.New("cannot be set")
	}
	switch p.Type {
	case Enum:
		if _, ok := v.(string); !ok && len(p.Write.Options) == 0 {
			return fmt.Errorf("%s is not a word", show(v))
		}
		return p.Write.checkOption(v)
	case Bool:
		if _, ok := v.(bool); !ok && len(p.Write.Options) == 0 {
			return fmt.Errorf("%s is not one of true, false", show(v))
		}
		return p.Write.checkOption(v)
	case Range, Number:
		f, ok := v.(float64)
		if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%s is not a number", show(v))
		}
		return p.Write.checkNumber(f)
	case Text:
		if _, ok := v.(string); !ok {
			return fmt.Errorf("%s is not a text", show(v))
		}
		return nil
	}
	return errors.New("cannot be set")
}

func (v Values) checkOption(option any) error {
	if len(v.Options) == 0 || slices.ContainsFunc(v.Options, func(o any) bool { return equal(o, option) }) {
		return nil
	}
	return fmt.Errorf("%s is not one of %s", show(option), list(v.Options))
}

func (v Values) checkNumber(f float64) error {
	switch {
	case !v.Limited:
		return nil
	case f < v.Min-tolerance || f > v.Max+tolerance || !v.onGrid(f):
		if v.Step == 1 {
			return fmt.Errorf("%s is not within %s and %s", show(f), show(v.Min), show(v.Max))
		}
		return fmt.Errorf("%s is not within %s and %s in steps of %s", show(f), show(v.Min), show(v.Max), show(v.Step))
	case v.excluded(f):
		return fmt.Errorf("%s is one of the values that are left out of %s to %s", show(f), show(v.Min), show(v.Max))
	}
	return nil
}

// tolerance is what two numbers may differ by and yet be the same: steps of 0.1
// are not exact in binary.
const tolerance = 1e-6

func (v Values) onGrid(f float64) bool {
	steps := (f - v.Min) / v.Step
	return math.Abs(steps-math.Round(steps))*v.Step <= tolerance
}

func (v Values) excluded(f float64) bool {
	return slices.ContainsFunc(v.Except, func(e float64) bool { return math.Abs(e-f) <= tolerance })
}

// Round moves v to the nearest value that can be written: inside the limits, on
// the grid Min + n·Step, not in a hole. Of two equally near values it takes the
// lower. Without limits v stays as it is.
func (p Property) Round(v float64) float64 {
	w := p.Write
	if !w.Limited || math.IsNaN(v) {
		return v
	}
	last := math.Floor((w.Max-w.Min)/w.Step + tolerance)
	near := min(max(math.Ceil((v-w.Min)/w.Step-0.5), 0), last)
	// Every hole can spoil one place of the grid, so a free place, if there is
	// any, is at most that many steps away.
	for away := range len(w.Except) + 1 {
		down, up := near-float64(away), near+float64(away)
		okDown := down >= 0 && !w.excluded(w.at(down))
		okUp := up <= last && !w.excluded(w.at(up))
		if okDown && (!okUp || math.Abs(v-w.at(down)) <= math.Abs(v-w.at(up))) {
			return w.at(down)
		}
		if okUp {
			return w.at(up)
		}
	}
	return w.at(near)
}

// at is the n-th value of the grid, without the dust of binary fractions.
func (v Values) at(n float64) float64 {
	return math.Round((v.Min+n*v.Step)/tolerance) / (1 / tolerance)
}

// spell is the name of a property as a person says it, with its location.
func spell(p Path) string {
	words := spaced(p.Name)
	if p.Name == "" {
		words = spaced(p.Resource)
	}
	if p.Location != "" && p.Location != "MAIN" {
		words = strings.ToLower(strings.ReplaceAll(p.Location, "_", " ")) + " " + words
	}
	return words
}

// spaced turns targetTemperature into "target temperature"; PM10 stays.
func spaced(name string) string {
	var b strings.Builder
	before := ' '
	for _, r := range name {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			b.WriteByte(' ')
			b.WriteRune(unicode.ToLower(r))
		} else {
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

// show writes a value as a user would, cut where a stranger sent a novel.
func show(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		return strings.Trim(strconv.Quote(firstRunes(v, 64)), `"`)
	}
	return fmt.Sprint(v)
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

func list(options []any) string {
	words := make([]string, len(options))
	for i, o := range options {
		words[i] = show(o)
	}
	return strings.Join(words, ", ")
}
