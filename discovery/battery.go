package discovery

import (
	"slices"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// battery is the composite of what runs on a battery: whether it charges, and
// the percentage where LG has only words. That it is low is a latch.
type battery struct {
	State []string // what says that it charges; the first that is there
	Main  bool     // the percentage of words is a sensor, not only in the state document
}

const (
	chargingKey     = "charging"
	batteryLevelKey = "battery_level"

	chargingWord = "CHARGING"
)

// batteryWords are the percentages that LG's own app shows for words.
var batteryWords = map[any]float64{
	"MOVELESS": 5, "DOCK_LEVEL": 5, "WARNING": 5, "LOW": 30, "MID": 50, "HIGH": 90, "FULL": 100, "OVER_CHARGE": 100,
}

func (c battery) build(b *builder) {
	for _, key := range c.State {
		if v := b.find(key, ""); v != nil && v.Readable && slices.Contains(b.wordsShown(v), chargingWord) {
			b.putBinary(chargingKey, "Charging", "battery_charging", v.Path, func(v any) bool { return v == chargingWord })
			break
		}
	}
	level, percent := b.find("battery.level", ""), b.find("battery.percent", "")
	if level != nil && level.Readable && (percent == nil || !percent.Readable) {
		c.percentOf(b, level.Path)
	}
}

// putBinary adds a yes-or-no entity about one value; it is unknown with it.
func (b *builder) putBinary(key, name, class string, p thinq.Path, ask func(v any) bool) {
	show := func(dst []byte, s thinq.State) []byte {
		if s[p] == nil {
			return append(dst, "null"...)
		}
		return appendValue(dst, ask(s[p]))
	}
	b.put(Entity{
		Key: key, Platform: BinarySensor, Name: name,
		Config:   map[string]any{"device_class": class, "payload_on": "True", "payload_off": "False"},
		Bindings: []Binding{{Attr: key, Codec: Codec{Show: show}}},
	})
}

// percentOf turns the words of a battery into a percentage.
func (c battery) percentOf(b *builder, p thinq.Path) {
	if !b.claim(batteryLevelKey) {
		return
	}
	binding := Binding{Attr: batteryLevelKey, Codec: Codec{Show: func(dst []byte, s thinq.State) []byte {
		if percent, known := batteryWords[s[p]]; known {
			return appendNumber(dst, percent)
		}
		return append(dst, "null"...)
	}}}
	if !c.Main {
		b.silent(binding)
		return
	}
	b.put(Entity{
		Key: batteryLevelKey, Platform: Sensor, Name: "Battery", Bindings: []Binding{binding},
		Config: map[string]any{"device_class": "battery", "unit_of_measurement": "%", "state_class": measurement},
	})
}
