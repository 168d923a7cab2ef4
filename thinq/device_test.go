package thinq_test

import (
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

func TestParseDevice(t *testing.T) {
	t.Parallel()
	d, err := thinq.ParseDevice([]byte(`{"deviceId":"a1","deviceInfo":{"deviceType":"DEVICE_WASHER","modelName":"M","alias":"Wash","groupId":"g","reportable":"true"}}`))
	want := thinq.Device{ID: "a1", Type: "DEVICE_WASHER", Model: "M", Alias: "Wash", Group: "g", Reportable: true}
	if err != nil || d != want {
		t.Errorf("got %+v, %v; want %+v", d, err, want)
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"deviceId":"a1"}`, `{"deviceInfo":{"deviceType":"DEVICE_WASHER"}}`} {
		if d, err := thinq.ParseDevice([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v", bad, d)
		}
	}
}

// Of a word of LG's that is endless, or steers a terminal, a piece in one line is
// kept.
func TestS27WordsOfAnAppliance(t *testing.T) {
	word := strings.Repeat(`x\n\u001b[2J`, 20_000)
	d, err := thinq.ParseDevice([]byte(`{"deviceId":"a1","deviceInfo":{"deviceType":"` + word + `","modelName":"` + word + `"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{d.Type, d.Model} {
		if n := len([]rune(got)); n == 0 || n > 201 || strings.ContainsAny(got, "\n\x1b") {
			t.Errorf("%d characters: %.40q", n, got)
		}
	}
}
