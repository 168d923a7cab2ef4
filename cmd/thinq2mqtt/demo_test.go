package main

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

func TestDialable(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		":8099":           "127.0.0.1:8099",
		"0.0.0.0:8099":    "127.0.0.1:8099",
		"[::]:8099":       "127.0.0.1:8099",
		"[::1]:8099":      "[::1]:8099",
		"192.168.1.2:80":  "192.168.1.2:80",
		"localhost:18099": "localhost:18099",
	} {
		if got := dialable(listen); got != want {
			t.Errorf("dialable(%s) = %s, want %s", listen, got, want)
		}
	}
}

// A taken port is no obstacle, and the next one is near.
func TestNextFree(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	got, err := nextFree(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if a, b := taken.Addr().(*net.TCPAddr).Port, got.Addr().(*net.TCPAddr).Port; b <= a || b > a+100 {
		t.Errorf("port %d taken, got %d", a, b)
	}
	for _, bad := range []string{"", "1883", "127.0.0.1:mqtt", "192.0.2.1:0"} {
		if l, err := nextFree(bad); err == nil {
			l.Close()
			t.Errorf("%q: no error", bad)
		}
	}
}

// The door for scripts may be on any free port, so people are told which.
func TestReadyNamesTheDoor(t *testing.T) {
	t.Parallel()
	for _, open := range []bool{false, true} {
		var o thinqtest.Options
		if open {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			o.Admin = l
		}
		cloud, err := thinqtest.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		defer cloud.Close()
		var out strings.Builder
		if err := new(demoFlags).ready(&out, new(defaults()), cloud, bridge.Snapshot{}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "  admin   "+cloud.AdminURL+"/sim/devices\n"); got != open {
			t.Errorf("door open: %v, but\n%s", open, out.String())
		}
	}
}

// The line that the demo offers is one that the appliance obeys.
func TestTrials(t *testing.T) {
	t.Parallel()
	cloud, err := thinqtest.NewServer(thinqtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	for i, try := range trials {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			for _, s := range thinqtest.Samples() {
				info, err := thinq.ParseDevice(s.Device)
				if err != nil {
					t.Fatal(err)
				}
				home := bridge.Snapshot{Devices: []bridge.DeviceSnapshot{{ID: info.ID, Slug: "x"}}}
				if trial("b", cloud, home) != "b/x/set/"+try.attr+" -m "+try.value {
					continue
				}
				profile, err := thinq.ParseProfile(s.Profile)
				if err != nil {
					t.Fatal(err)
				}
				state, err := profile.Decode(s.Status)
				if err != nil {
					t.Fatal(err)
				}
				device := discovery.Describe(info, profile, state, new(defaults()).discovery(""))[0]
				if calls, err := device.Wish(map[string]string{try.attr: try.value}, state); err != nil || len(calls) != 1 {
					t.Errorf("%s: %d calls, %v", s.Name, len(calls), err)
				}
				return
			}
			t.Errorf("no appliance for %s", try.off)
		})
	}
}
