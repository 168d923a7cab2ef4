package discovery

import (
	"slices"
	"strings"
	"unicode"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// deeds begin the words of values by which something happens that nobody may
// want where no one looks.
var deeds = []string{"START", "HEAT", "OPEN", "UNLOCK", "DISPENS", "BOOST", "RELEAS"}

// yes are the values that say no more than the name of their property.
var yes = []any{true, "ON", "POWER_ON", "ENABLE", "ENABLED", "YES", "TRUE"}

// strangers finds out which properties neither the table nor words know: the end
// of a name alone tells nothing.
func (b *builder) strangers() {
	for _, v := range b.values {
		_, full := words[v.Path.Key()]
		_, short := words[v.Path.Name]
		if v.Writable && !full && !short && v.row.Path == "" {
			b.device.strange[v.Path] = true
		}
	}
}

// usualOrder reports whether LG uses a word of an operation everywhere.
func usualOrder(path thinq.Path, v any) bool {
	name, _ := v.(string)
	_, known := permits[name]
	return known && strings.HasSuffix(path.Name, "perationMode")
}

// acts reports whether a value of a stranger says that something begins.
func acts(path thinq.Path, v any) bool {
	text, _ := v.(string)
	if slices.Contains(yes, v) {
		text = snake(path.Resource) + "_" + snake(path.Name)
	}
	says := strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.ContainsFunc(says, func(w string) bool {
		return slices.ContainsFunc(deeds, func(deed string) bool { return strings.HasPrefix(w, deed) })
	})
}

// allows reports whether the owner named a property.
func (s Settings) allows(names ...string) bool {
	return slices.ContainsFunc(s.Allow, func(a string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(a, n) })
	})
}

// forbidden says why the owner would have to allow a wish of an attribute first.
func (d *Device) forbidden(attr string, wish, now thinq.State) *Rejection {
	if !d.Settings.RemoteStart && len(d.risks(wish, now)) > 0 {
		return needsLeave(d)
	}
	for path, v := range wish {
		if d.strange[path] && acts(path, v) && !usualOrder(path, v) && !d.Settings.allows(path.Key(), path.Name, attr) {
			return notAllowed(d, path)
		}
	}
	return nil
}
