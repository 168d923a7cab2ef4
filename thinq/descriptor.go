package thinq

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A describer reads the descriptor of a property:
// {"type":"range","mode":["r","w"],"value":{"r":{…},"w":{…}},"unit":"C"}.
type describer struct {
	*Property
	numeric  bool // an Enum of numbers
	ok       bool
	problems []string
}

func (d *describer) problem(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(d.problems, text) { // for reading and for writing
		d.problems = append(d.problems, text)
	}
}

func (d *describer) describe(raw []byte) {
	var desc map[string]any
	if err := json.Unmarshal(raw, &desc); err != nil {
		d.problem("a number in it is too large")
		return
	}
	if !slices.ContainsFunc([]string{"type", "mode", "value"}, func(key string) bool { return desc[key] != nil }) {
		d.problem("an object that is no description")
		return
	}
	read, write := valuesOf(desc["value"])
	d.mode(desc["mode"], desc["value"])
	d.contradiction(read, write)
	d.Unit, _ = desc["unit"].(string)
	d.values(d.kind(desc["type"], read, write), read, write)
	d.ok = true
}

// contradiction names values for a right that the mode does not give.
func (d *describer) contradiction(read, write any) {
	switch {
	case !d.Readable && read != nil && write == nil:
		d.problem("its mode is to be written, and its values are for reading")
	case !d.Writable && write != nil && read == nil:
		d.problem("its mode is to be read, and its values are for writing")
	}
}

// kind is the type, or where LG says none what the values look like.
func (d *describer) kind(typ, read, write any) any {
	if word, ok := typ.(string); ok && word != "" {
		return typ
	}
	for _, value := range []any{read, write} {
		guess := any(nil)
		switch value := value.(type) {
		case []any:
			guess = "enum"
		case map[string]any:
			if value["min"] != nil && value["max"] != nil {
				guess = "range"
			}
		}
		if guess != nil {
			d.problem("type %s taken for %s, as its values look", brief(typ), guess)
			return guess
		}
	}
	return typ
}

// valuesOf takes value apart. LG has one entry for reading and one for writing;
// anything else is taken for both.
func valuesOf(value any) (read, write any) {
	object, ok := value.(map[string]any)
	if !ok {
		return value, value
	}
	if _, limits := object["min"]; limits {
		return object, object
	}
	return object["r"], object["w"]
}

// mode reads ["r","w"] and "rw". Where neither letter is there, it goes by what
// LG has values for.
func (d *describer) mode(mode, value any) {
	letters := ""
	switch mode := mode.(type) {
	case string:
		letters = mode
	case []any:
		letters = fmt.Sprint(mode...)
	}
	letters = strings.ToLower(letters)
	d.Readable = strings.Contains(letters, "r")
	d.Writable = strings.Contains(letters, "w")
	if d.Readable || d.Writable {
		return
	}
	values, _ := value.(map[string]any)
	d.Writable = values["w"] != nil
	d.Readable = values["r"] != nil || !d.Writable
	if mode != nil {
		d.problem("mode %s is neither r nor w", brief(mode))
	}
}

// values reads what the property may be, in the manner of its type.
func (d *describer) values(typ, read, write any) {
	switch typ {
	case "range", "number":
		d.Type = Type(typ.(string))
		d.Read = d.limits(d.Readable, read)
		d.Write = d.limits(d.Writable, write)
	case "enum", "boolean", "list":
		d.options(typ, read, write)
	case "string":
		d.Type = Text
	case nil:
		d.Type, d.Writable = Text, false
	default:
		d.Type, d.Writable = Text, false
		d.problem("type %s is not known; it can only be read, as a text", brief(typ))
	}
}

// limits reads the limits of a range. A number has them seldom, and a range that
// is written may have them for reading only.
func (d *describer) limits(wanted bool, value any) (v Values) {
	object, ok := value.(map[string]any)
	if !wanted || value == nil {
		return Values{}
	}
	if !ok {
		d.problem("limits left out: %s is no object with min and max", brief(value))
		return Values{}
	}
	var errs [3]error
	v.Min, errs[0] = limit(object, "min", math.NaN())
	v.Max, errs[1] = limit(object, "max", math.NaN())
	v.Step, errs[2] = limit(object, "step", 1)
	if err := errors.Join(errs[:2]...); err != nil || v.Min > v.Max {
		d.problem("limits left out: min %s, max %s", brief(object["min"]), brief(object["max"]))
		return Values{}
	}
	if errs[2] != nil || v.Step < tolerance {
		d.problem("step %s left out, 1 taken", brief(object["step"]))
		v.Step = 1
	}
	v.Limited = true
	v.Except = d.except(object["except"])
	return v
}

// maxLimit is beyond every limit of an appliance, and far enough from where
// float64 cannot count steps any more.
const maxLimit = 1e9

func limit(object map[string]any, key string, missing float64) (float64, error) {
	v, given := object[key]
	if !given || v == nil {
		v = missing
	}
	f, ok := exactNumber(v)
	if !ok || !(math.Abs(f) <= maxLimit) {
		return 0, fmt.Errorf("%s is no number", key)
	}
	return f, nil
}

func (d *describer) except(holes any) (except []float64) {
	values, ok := holes.([]any)
	if !ok && holes != nil {
		values = []any{holes}
	}
	for _, v := range values {
		if f, ok := exactNumber(v); ok {
			except = append(except, f)
		} else {
			d.problem("except %s left out: it is no number", brief(v))
		}
	}
	return except
}

// exactNumber takes a number, or a word that spells one.
func exactNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		return parseNumber([]byte(strings.TrimSpace(v)))
	}
	return 0, false
}

// parseNumber reads what is a number in JSON and fits a float64.
func parseNumber(text []byte) (float64, bool) {
	c := checker{data: text}
	if !c.number() || c.pos < len(text) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(text), 64)
	return f, err == nil
}

// options reads lists. It is their elements that decide between Enum and Bool:
// some models call an Enum of true and false.
func (d *describer) options(typ, read, write any) {
	var lists [2][]any
	for i, value := range []any{read, write} {
		wanted := []bool{d.Readable, d.Writable}[i]
		values, ok := value.([]any)
		if !ok && value != nil && wanted {
			d.problem("options left out: %s is no list", brief(value))
		}
		if wanted {
			lists[i] = values
		}
	}
	all := slices.Concat(lists[0], lists[1])
	switch {
	case len(all) == 0 && typ == "list":
		d.Type, d.Writable = Text, false
		return
	case typ == "boolean" && every(all, asBool), len(all) > 0 && every(all, isBool):
		d.Type = Bool
		d.Read.Options, d.Write.Options = d.pick(lists[0], asBool), d.pick(lists[1], asBool)
		return
	case len(all) > 0 && every(all, asDigits):
		d.numeric = true
		d.Type = Enum
		d.Read.Options, d.Write.Options = d.pick(lists[0], asDigits), d.pick(lists[1], asDigits)
		return
	}
	d.Type = Enum
	d.Read.Options, d.Write.Options = d.pick(lists[0], asWord), d.pick(lists[1], asWord)
}

func every(values []any, as func(any) (any, bool)) bool {
	return !slices.ContainsFunc(values, func(v any) bool { _, ok := as(v); return !ok })
}

// pick turns values into options, each once.
func (d *describer) pick(values []any, as func(any) (any, bool)) (options []any) {
	for _, v := range values {
		option, ok := as(v)
		if !ok {
			d.problem("option %s left out", brief(v))
		} else if !slices.Contains(options, option) {
			options = append(options, option)
		}
	}
	return options
}

func isBool(v any) (any, bool) {
	_, ok := v.(bool)
	return v, ok
}

func asBool(v any) (any, bool) {
	switch v {
	case true, "true":
		return true, true
	case false, "false":
		return false, true
	}
	return nil, false
}

func asDigits(v any) (any, bool) {
	f, ok := v.(float64)
	return show(f), ok
}

func asWord(v any) (any, bool) {
	s, ok := v.(string)
	return v, ok && s != ""
}

// brief is a value of a profile in a problem, cut to a line.
func brief(v any) string {
	text, _ := json.Marshal(v)
	return firstRunes(string(text), 64)
}
