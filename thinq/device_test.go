package thinq_test

import (
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
