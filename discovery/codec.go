package discovery

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// maxState is how many characters Home Assistant takes as a state.
const maxState = 255

// word is the form of LG's words in payloads.
func word(v string) string { return strings.ToLower(v) }

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// appendWord appends one of LG's words in lower case, without a copy for the
// usual plain ones.
func appendWord(dst []byte, s string) []byte {
	start := len(dst)
	dst = appendString(dst, s)
	for i, c := range dst[start:] {
		switch {
		case c == '\\' || c > '~':
			return appendString(dst[:start], word(s))
		case c >= 'A' && c <= 'Z':
			dst[start+i] = c + 'a' - 'A'
		}
	}
	return dst
}

// appendNumber appends f in the shortest form without exponent.
func appendNumber(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	if n := int64(f); float64(n) == f && n > -1e15 && n < 1e15 {
		return strconv.AppendInt(dst, n, 10)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

// appendValue appends a value of a state; words in lower case.
func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendWord(dst, v)
	case float64:
		return appendNumber(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	default:
		return append(dst, "null"...)
	}
}

// showValue shows the value at a path as it is.
func showValue(p thinq.Path) func([]byte, thinq.State) []byte {
	return func(dst []byte, s thinq.State) []byte { return appendValue(dst, s[p]) }
}

// appendFloat appends a value that must be a number; whatever else LG reports in
// its place is unknown, because Home Assistant takes no word for a number.
func appendFloat(dst []byte, v any) []byte {
	if f, ok := v.(float64); ok {
		return appendNumber(dst, f)
	}
	return append(dst, "null"...)
}

// showNumber shows the number at a path.
func showNumber(p thinq.Path) func([]byte, thinq.State) []byte {
	return func(dst []byte, s thinq.State) []byte { return appendFloat(dst, s[p]) }
}

// showText shows a text without touching its case.
func showText(p thinq.Path) func([]byte, thinq.State) []byte {
	return func(dst []byte, s thinq.State) []byte {
		if text, ok := s[p].(string); ok {
			return appendString(dst, text)
		}
		return appendValue(dst, s[p])
	}
}

// showWords shows a word of a known list; the forms are made beforehand,
// because this runs for every report.
func showWords(p thinq.Path, options []any) func([]byte, thinq.State) []byte {
	forms := make(map[string][]byte, len(options))
	for _, o := range options {
		if o, ok := o.(string); ok {
			forms[o] = appendString(nil, word(o))
		}
	}
	return func(dst []byte, s thinq.State) []byte {
		switch v := s[p].(type) {
		case string:
			if form := forms[v]; form != nil {
				return append(dst, form...)
			}
		case bool: // among words it is one: Home Assistant would print True
			return appendString(dst, strconv.FormatBool(v))
		}
		return appendValue(dst, s[p])
	}
}

// showConstant shows the same value for ever.
func showConstant(v any) func([]byte, thinq.State) []byte {
	form := appendValue(nil, v)
	return func(dst []byte, _ thinq.State) []byte { return append(dst, form...) }
}

// showBool shows the answer to a question about the state.
func showBool(ask func(thinq.State) bool) func([]byte, thinq.State) []byte {
	return func(dst []byte, s thinq.State) []byte { return strconv.AppendBool(dst, ask(s)) }
}

// propertyCodec is the plain translation of one property.
func propertyCodec(p thinq.Property) Codec {
	var c Codec
	if p.Readable {
		c.Show = showProperty(p)
	}
	if p.Writable {
		c.Take = takeProperty(p)
	}
	return c
}

func showProperty(p thinq.Property) func([]byte, thinq.State) []byte {
	switch {
	case p.Type == thinq.Constant:
		return showConstant(p.Constant)
	case natureOf(p) == pairOf:
		return showPair(p)
	case p.Type == thinq.Enum && !isBool(p):
		return showWords(p.Path, p.Read.Options)
	case p.Type == thinq.Text:
		return showText(p.Path)
	case isNumeric(p):
		return showNumber(p.Path)
	default:
		return showValue(p.Path)
	}
}

// showPair shows what is on or off in the form of the profile, whatever word for
// it LG uses, and any other word as it is.
func showPair(p thinq.Property) func([]byte, thinq.State) []byte {
	show := showValue(p.Path)
	if !isBool(p) {
		show = showWords(p.Path, p.Read.Options)
	}
	return func(dst []byte, s thinq.State) []byte {
		if v := s[p.Path]; v != nil && !slices.Contains(p.Read.Options, v) {
			return appendValue(dst, shownForm(p, v))
		}
		return show(dst, s)
	}
}

func takeProperty(p thinq.Property) func(string, thinq.State) (thinq.State, *Rejection) {
	return func(payload string, _ thinq.State) (thinq.State, *Rejection) {
		v, rejection := parseValue(p, payload)
		if rejection != nil {
			return nil, rejection
		}
		return thinq.State{p.Path: v}, nil
	}
}

// isBool reports whether a property is a boolean, which LG sometimes types as
// an enumeration of true and false.
func isBool(p thinq.Property) bool {
	if p.Type == thinq.Bool {
		return true
	}
	options := slices.Concat(p.Read.Options, p.Write.Options)
	return p.Type == thinq.Enum && len(options) > 0 && !slices.ContainsFunc(options, func(o any) bool {
		_, ok := o.(bool)
		return !ok
	})
}

func isNumeric(p thinq.Property) bool { return p.Type == thinq.Range || p.Type == thinq.Number }

// wordsOf are the payload forms of options, in LG's order.
func wordsOf(options []any) []string {
	words := make([]string, 0, len(options))
	for _, o := range options {
		switch o := o.(type) {
		case string:
			if w := word(o); !slices.Contains(words, w) {
				words = append(words, w)
			}
		case bool:
			words = append(words, strconv.FormatBool(o))
		}
	}
	return words
}

// pairs are words that mean on and off without saying so.
var pairs = [][2]string{
	{"ON", "OFF"}, {"POWER_ON", "POWER_OFF"}, {"OPEN", "CLOSE"}, {"OPEN", "CLOSED"}, {"SET", "UNSET"},
	{"ENABLE", "DISABLE"}, {"ENABLED", "DISABLED"}, {"YES", "NO"}, {"TRUE", "FALSE"},
}

// pair recognises two options that are on and off: one of the known pairs, or
// WARM_ON and WARM_OFF.
func pair(options []any) (on, off string, ok bool) {
	if len(options) != 2 {
		return "", "", false
	}
	a, okA := options[0].(string)
	b, okB := options[1].(string)
	if !okA || !okB {
		return "", "", false
	}
	switch {
	case means(a, b):
		return a, b, true
	case means(b, a):
		return b, a, true
	}
	return "", "", false
}

// pairIn finds such a pair among more words: POWER_ON and POWER_OFF beside
// START and STOP.
func pairIn(options []any) (on, off string, ok bool) {
	for i, a := range options {
		for _, b := range options[i+1:] {
			if on, off, ok := pair([]any{a, b}); ok {
				return on, off, true
			}
		}
	}
	return "", "", false
}

func means(on, off string) bool {
	on, off = strings.ToUpper(on), strings.ToUpper(off)
	if slices.Contains(pairs, [2]string{on, off}) || isAlarm(on, off) {
		return true
	}
	stem, ok := strings.CutSuffix(on, "_ON")
	return ok && off == stem+"_OFF"
}
