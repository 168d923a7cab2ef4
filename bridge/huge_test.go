package bridge

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A thousand appliances, one of them with five thousand properties, and a list
// that is larger than any answer may be: all work, within bounds, and the list
// that is too large is a fault of that call only.
func TestF089Huge(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand appliances")
	}
	inHome(t, nil, func(h *home) {
		const n = 1000
		h.add("id0=air_conditioner_one_setpoint")
		for i := 1; i < n; i++ {
			d := h.cloud.devices[0]
			d.ID = fmt.Sprintf("id%d", i)
			h.cloud.devices = append(h.cloud.devices, d)
			h.cloud.profiles[d.ID], h.cloud.states[d.ID] = h.cloud.profiles["id0"], h.cloud.states["id0"]
		}
		profile, state := new(strings.Builder), new(strings.Builder)
		for i := range 5000 {
			fmt.Fprintf(profile, `,"r%d":{"p":{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":9,"step":1}}}}`, i)
			fmt.Fprintf(state, `,"r%d":{"p":%d}`, i, i%10)
		}
		h.cloud.profiles["id0"] = []byte(`{"property":{` + profile.String()[1:] + `}}`)
		h.cloud.states["id0"] = []byte(`{` + state.String()[1:] + `}`)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		h.start()
		h.after(2 * time.Minute)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 256<<20 {
			h.Errorf("%d MiB more", grown>>20)
		}
		s, err := h.bridge.Snapshot(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		there := 0
		for _, row := range s.Devices {
			if row.Availability == "online" {
				there++
			}
		}
		if there != n {
			h.Errorf("%d of %d appliances are available", there, n)
		}
		h.cloud.fail("list", &thinq.Error{Endpoint: "GET /devices", Status: 200})
		h.send(linkMessage(base+"/bridge/request/discover", ""))
		h.after(time.Minute)
		if got := h.availability("id500"); got != online {
			h.Errorf("availability = %q after a list that was too large", got)
		}
	})
}
