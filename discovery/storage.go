package discovery

import (
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// storage is the composite of a compartment that reports either a word for what
// it keeps or a number of degrees, at the same place and changing between the
// two: a sensor for each.
type storage struct {
	Path string // its options name numberWord where it may be a number
}

// How a compartment's word is presented.
const (
	storageName = "Storage mode"
	storageIcon = "mdi:fridge-outline"
)

// numberWord stands among the options for any number of degrees.
const numberWord = "TEMPERATURE_NUMBER"

func (st storage) build(b *builder) {
	for _, location := range b.locations(st.Path) {
		v := b.find(st.Path, location)
		if v.Writable || v.Type != thinq.Enum && !isNumeric(v.Property) {
			continue
		}
		words := b.storageWords(v)
		switch {
		case slices.Contains(words, numberWord) || isNumeric(v.Property) && len(words) > 0:
			b.storageMode(v, locationKey(location)+"storage_mode", words)
			b.degrees(v)
		case v.Type == thinq.Enum: // words only
			v.word.Name, v.word.Icon = storageName, storageIcon
		}
	}
}

// storageWords are the words that a compartment may show, with the one for a
// number if it has shown one. What its profile does not say is remembered, so
// that it has both sensors from then on.
func (b *builder) storageWords(v *value) []string {
	words := b.wordsShown(v)
	number := func(now any) bool { _, is := now.(float64); return is && v.Type == thinq.Enum }
	if !slices.Contains(words, numberWord) && (number(b.state[v.Path]) || isNumeric(v.Property) && len(words) > 0) {
		words = append(words, numberWord)
	}
	known := slices.Clone(words)
	b.watchFor(v.Path, func(now any, _ thinq.State) bool {
		name, isWord := now.(string)
		return number(now) && !slices.Contains(known, numberWord) || isWord && !slices.Contains(known, name)
	})
	memory := derivedPath(v.Path.Part, v.Path.Location, v.Path.Key()+learntMark+numberWord)
	b.device.memories = append(b.device.memories, func(_, changed, into thinq.State, _ time.Time) {
		if number(changed[v.Path]) && !slices.Contains(v.Read.Options, any(numberWord)) {
			into[memory] = true
		}
	})
	return words
}

// storageMode shows the word, or that there is a number.
func (b *builder) storageMode(v *value, key string, words []string) {
	var options []string
	for _, name := range words {
		if !slices.Contains(options, word(name)) {
			options = append(options, word(name))
		}
	}
	show := showWords(v.Path, v.Read.Options)
	b.put(Entity{
		Key: key, Platform: Sensor, Name: b.named(v.Path.Location, storageName),
		Config: map[string]any{"device_class": "enum", "options": options, "icon": storageIcon},
		Bindings: []Binding{{Attr: key, Props: []thinq.Property{v.Property}, Codec: Codec{Show: func(dst []byte, s thinq.State) []byte {
			switch s[v.Path].(type) {
			case float64:
				return appendWord(dst, numberWord)
			case string:
				return show(dst, s)
			}
			return append(dst, "null"...)
		}}}},
	})
}

// degrees shows the number under the key of the property itself.
func (b *builder) degrees(v *value) {
	b.put(Entity{
		Key: v.key, Platform: Sensor, Name: b.nameOf(v),
		Config: map[string]any{"device_class": "temperature", "unit_of_measurement": or(v.word.Unit, "°C"), "icon": "mdi:thermometer"},
		Bindings: []Binding{{Attr: v.key, Props: []thinq.Property{v.Property}, Codec: Codec{Show: func(dst []byte, s thinq.State) []byte {
			if degrees, isNumber := s[v.Path].(float64); isNumber {
				return appendNumber(dst, degrees)
			}
			return append(dst, "null"...)
		}}}},
	})
	v.shown, v.made = v.key, true
}
