package discovery

import (
	"slices"

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
		switch {
		case v.Type != thinq.Enum || v.Writable:
		case slices.Contains(v.Read.Options, any(numberWord)):
			b.storageMode(v, locationKey(location)+"storage_mode")
			b.degrees(v)
		default: // words only
			v.word.Name, v.word.Icon = storageName, storageIcon
		}
	}
}

// storageMode shows the word, or that there is a number.
func (b *builder) storageMode(v *value, key string) {
	options := make([]string, 0, len(v.Read.Options))
	for _, name := range b.wordsShown(v) { // a number has no name of its own
		options = append(options, word(name))
	}
	b.watchFor(v.Path, func(now any, _ thinq.State) bool {
		name, isWord := now.(string)
		return isWord && !slices.Contains(options, word(name))
	})
	show := showWords(v.Path, v.Read.Options)
	b.put(Entity{
		Key: key, Platform: Sensor, Name: b.named(v.Path.Location, storageName),
		Config: map[string]any{"device_class": "enum", "options": options, "icon": storageIcon},
		Bindings: []Binding{{Attr: key, Props: []thinq.Property{v.Property}, Codec: Codec{Show: func(dst []byte, s thinq.State) []byte {
			if _, isNumber := s[v.Path].(float64); isNumber {
				return appendWord(dst, numberWord)
			}
			return show(dst, s)
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
