package discovery

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// parseValue reads bare text as a value that can be written to p.
func parseValue(p thinq.Property, payload string) (any, *Rejection) {
	payload = strings.TrimSpace(payload)
	switch {
	case isBool(p):
		return parseBool(payload)
	case p.Type == thinq.Enum:
		v, rejection := parseWord(p.Write.Options, payload)
		if rejection != nil && slices.Contains(wordsOf(p.Read.Options), word(payload)) {
			rejection.Message = cited(payload) + " can only be shown, what can be set is " + strings.Join(wordsOf(p.Write.Options), ", ")
		}
		return v, rejection
	case isNumeric(p):
		return parseNumber(p, payload)
	case len(payload) > maxState:
		return nil, invalid("the text is longer than 255 characters", nil)
	default:
		return payload, nil
	}
}

// truths are the words that mean yes and no, in any case.
var truths = map[string]bool{
	"true": true, "on": true, "1": true, "yes": true,
	"false": false, "off": false, "0": false, "no": false,
}

func parseBool(payload string) (any, *Rejection) {
	v, ok := truths[word(payload)]
	if !ok {
		return nil, invalid(cited(payload)+" is neither on nor off", []string{"true", "false"})
	}
	return v, nil
}

// parseWord finds the option that is meant. Where the options are a pair, such
// as POWER_ON and POWER_OFF, on and off mean them too.
func parseWord(options []any, payload string) (any, *Rejection) {
	for _, o := range options {
		switch o := o.(type) {
		case string:
			if strings.EqualFold(o, payload) {
				return o, nil
			}
		case bool:
			if strings.EqualFold(strconv.FormatBool(o), payload) {
				return o, nil
			}
		}
	}
	if on, off, ok := pairIn(options); ok {
		switch v, ok := truths[word(payload)]; {
		case ok && v:
			return on, nil
		case ok:
			return off, nil
		}
	}
	if len(options) == 0 && payload != "" {
		return strings.ToUpper(payload), nil
	}
	return nil, invalid(cited(payload)+" is not one of "+strings.Join(wordsOf(options), ", "), wordsOf(options))
}

// limits is what a rejection says about numbers.
type limits struct {
	Min  float64 `json:"min"`
	Max  float64 `json:"max"`
	Step float64 `json:"step"`
}

func parseFloat(payload string) (float64, *Rejection) {
	f, err := strconv.ParseFloat(strings.TrimSpace(payload), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, invalid(cited(payload)+" is not a number", nil)
	}
	return f, nil
}

func parseNumber(p thinq.Property, payload string) (any, *Rejection) {
	f, rejection := parseFloat(payload)
	if rejection != nil {
		rejection.Allowed = allowed(p)
		return nil, rejection
	}
	return fit(p, f)
}

// fit moves f to LG's grid, or says that it lies outside.
func fit(p thinq.Property, f float64) (any, *Rejection) {
	w := p.Write
	if !w.Limited {
		return f, nil
	}
	if f < w.Min || f > w.Max {
		return nil, outOfRange(f, limits{w.Min, w.Max, w.Step})
	}
	return p.Round(f), nil
}

func outOfRange(f float64, l limits) *Rejection {
	return &Rejection{
		Reason:  "out_of_range",
		Message: string(appendNumber(nil, f)) + " is not within " + string(appendNumber(nil, l.Min)) + " and " + string(appendNumber(nil, l.Max)),
		Allowed: l,
	}
}

func invalid(message string, allowed any) *Rejection {
	return &Rejection{Reason: "invalid_value", Message: message, Allowed: allowed}
}

// excerptLength is how many characters of what somebody sent are repeated.
const excerptLength = 64

// Excerpt is a text of somebody else, short and clean enough to be repeated in
// answers and in the log.
func Excerpt(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > excerptLength {
			return b.String() + "…"
		}
		if !unicode.IsPrint(r) {
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
	}
	return b.String()
}

func cited(payload string) string { return `"` + Excerpt(payload) + `"` }
