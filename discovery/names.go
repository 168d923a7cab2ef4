package discovery

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// silentLocations are the appliance itself, so they do not show.
var silentLocations = map[string]bool{"": true, "MAIN": true, "OVEN": true}

// locationNames are the visible names of locations that are not plain words.
var locationNames = map[string]string{
	"WINE_UPPER": "Upper", "WINE_MIDDLE": "Middle", "WINE_LOWER": "Lower",
}

// prefixed are resources whose properties always carry the resource in their
// key, because another resource has properties of the same names.
var prefixed = map[string]bool{"sleepTimer": true}

// locationKey is the part of a key that stands for a location.
func locationKey(location string) string {
	if silentLocations[location] {
		return ""
	}
	return slugWord(location) + "_"
}

// named puts a location in front of the visible name of an entity, unless the
// device says it already.
func (b *builder) named(location, name string) string {
	if silentLocations[location] || location == b.appliance.Place {
		return name
	}
	place, ok := locationNames[location]
	if !ok {
		place = sentence(slugWord(location))
	}
	return b.phrase(placed, place, name)
}

// nameOf is the visible name of a value: of words, else made of LG's name.
func (b *builder) nameOf(v *value) string {
	name := v.word.Name
	if name == "" && v.Path.Name == strings.ToUpper(v.Path.Name) {
		name = v.Path.Name // an abbreviation
	}
	key := strings.TrimPrefix(v.key, locationKey(v.Path.Location))
	if stem, ok := strings.CutSuffix(key, "_remain_percent"); ok && name == "" {
		name = b.phrase(left, sentence(stem))
	}
	return b.named(v.Path.Location, or(name, sentence(key)))
}

// distinct is the name of an entity, or where another one of the device has it
// already, one made of the key, which nobody shares.
func (b *builder) distinct(e Entity) string {
	name := or(e.Name, sentence(e.Key))
	for n := 2; b.spoken[name]; n++ {
		name = sentence(e.Key)
		if b.spoken[name] {
			name += " " + strconv.Itoa(n)
		}
	}
	b.spoken[name] = true
	return name
}

// visible is an English name in the language of the device, unless the language
// says two things in the same words.
func (b *builder) visible(english string) string {
	name := b.say(english)
	if b.said[name] {
		name = english
	}
	b.said[name] = true
	return name
}

// snake turns LG's camel case into a key: waterFilter1RemainPercent becomes
// water_filter_1_remain_percent, PM2 becomes pm2.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && boundary(runes, i) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return slugWord(b.String())
}

// boundary reports whether a new word begins at runes[i].
func boundary(runes []rune, i int) bool {
	before, r := runes[i-1], runes[i]
	switch {
	case unicode.IsUpper(r):
		return unicode.IsLower(before) || unicode.IsDigit(before) ||
			unicode.IsUpper(before) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
	case unicode.IsDigit(r):
		return unicode.IsLower(before)
	}
	return false
}

// sentence makes a visible name of a key.
func sentence(key string) string {
	text := strings.TrimSpace(strings.ReplaceAll(key, "_", " "))
	if text == "" {
		return text
	}
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// lowerFirst is name as it stands inside a sentence; abbreviations stay.
func lowerFirst(name string) string {
	if len(name) > 1 && unicode.IsUpper(rune(name[1])) {
		return name
	}
	if name == "" {
		return name
	}
	return strings.ToLower(name[:1]) + name[1:]
}

// nameLimit is the length of a name that people give an appliance.
const nameLimit = 128

// CleanName is a name that people gave an appliance, without what is no text:
// control and format characters, broken UTF-8; and at most 128 characters long.
func CleanName(name string) string {
	runes := 0
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) && r != zeroWidthJoiner || runes == nameLimit {
			return -1
		}
		runes++
		return r
	}, strings.ToValidUTF8(name, "\uFFFD")))
}

// zeroWidthJoiner holds the parts of an emoji together.
const zeroWidthJoiner = '\u200D'
