package bridge

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// reconfigure takes a configuration over that differs from the first one.
func (h *home) reconfigure(change func(o *discovery.Options)) {
	h.Helper()
	o := h.o.Discovery
	change(&o)
	h.broker.forget()
	if err := h.bridge.Reconfigure(h.Context(), o, map[string]any{"anew": true}); err != nil {
		h.Fatal(err)
	}
	h.after(10 * time.Second)
}

// announced are the slugs of what was announced since the last change.
func (h *home) announced() []string {
	var slugs []string
	for _, m := range h.broker.log() {
		target, ok := h.o.Discovery.Topics.Parse(m.Topic)
		if ok && target.Kind == discovery.KindDiscovery && len(m.Payload) > 0 && !slices.Contains(slugs, target.Slug) {
			slugs = append(slugs, target.Slug)
		}
	}
	slices.Sort(slugs)
	return slugs
}

// TestReconfigure: what is configured anew counts at once, and only what looks
// otherwise is announced again.
func TestReconfigure(t *testing.T) {
	inHome(t, []string{ac, "dry=dryer_heat_pump"}, func(h *home) {
		h.o.Discovery.Language = "en"
		h.start()
		self := h.bridge.selfSlug()
		steps := []struct {
			name   string
			change func(o *discovery.Options)
			want   []string // announced
			says   string   // in the announcement of the dryer
		}{
			{"the same", func(*discovery.Options) {}, nil, `"name":"Cycle"`},
			{"a mapping of one appliance", func(o *discovery.Options) {
				o.Mappings = discovery.Mappings{"dryer": {"current_state": {Name: "Programme"}}}
			}, []string{h.slug("dry")}, `"name":"Programme"`},
			{"the mapping taken back", func(*discovery.Options) {}, []string{h.slug("dry")}, `"name":"Cycle"`},
			{"labels", func(o *discovery.Options) { o.Labels = true }, []string{h.slug("dry")}, `'power_off':'Off'`},
			{"another language", func(o *discovery.Options) { o.Labels, o.Language = true, "de" },
				[]string{h.slug("ac"), self, h.slug("dry")}, `'power_off':'Aus'`},
			{"heat may be started", func(o *discovery.Options) {
				o.Labels, o.Language = true, "de"
				o.Settings = func(id, _ string) discovery.Settings { return discovery.Settings{RemoteStart: id == "dry"} }
			}, nil, `"name":"Restzeit"`},
		}
		for _, step := range steps {
			slices.Sort(step.want)
			h.reconfigure(step.change)
			if got := h.announced(); !slices.Equal(got, step.want) {
				t.Errorf("%s: announced %q, want %q", step.name, got, step.want)
			}
			if message := h.broker.last(h.o.Discovery.Topics.Discovery(h.slug("dry"))); !strings.Contains(message, step.says) {
				t.Errorf("%s: the dryer says %s", step.name, message)
			}
		}
		if info := h.broker.last(base + "/bridge/info"); !strings.Contains(info, `"anew":true`) {
			t.Errorf("bridge/info says %s", info)
		}
	})
}

// TestReconfigureSettings: names, slugs and what is to be ignored.
func TestReconfigureSettings(t *testing.T) {
	inHome(t, []string{ac, "dry=dryer_heat_pump"}, func(h *home) {
		h.o.Discovery.Language = "en"
		h.start()
		of := func(s discovery.Settings) func(o *discovery.Options) {
			return func(o *discovery.Options) {
				o.Settings = func(id, _ string) discovery.Settings {
					if id == "dry" {
						return s
					}
					return discovery.Settings{}
				}
			}
		}
		topics := h.o.Discovery.Topics
		old := h.slug("dry")
		h.reconfigure(of(discovery.Settings{Name: "Cellar", Slug: "cellar"}))
		if got := h.announced(); !slices.Equal(got, []string{"cellar"}) || h.broker.last(topics.Discovery(old)) != "" || h.broker.last(topics.State(old)) != "" {
			t.Errorf("announced %q, and of the old slug there is %q", got, h.broker.last(topics.State(old)))
		}
		if h.broker.last(topics.Availability("cellar")) != online || h.broker.last(topics.State("cellar")) == "" {
			t.Error("the new slug lacks state or availability")
		}
		h.reconfigure(of(discovery.Settings{Ignore: true}))
		if h.broker.last(topics.Discovery("cellar")) != "" || h.broker.last(topics.State("cellar")) != "" || len(h.announced()) > 0 {
			t.Error("an ignored appliance is still there")
		}
		h.cloud.report("dry", `{"runState":{"currentState":"END"}}`)
		h.after(time.Minute)
		if sent := h.broker.on(topics.State(old)); len(sent) > 0 {
			t.Errorf("an ignored appliance says %q", sent)
		}
		h.reconfigure(of(discovery.Settings{}))
		h.after(time.Minute)
		if got := h.announced(); !slices.Equal(got, []string{old}) || h.broker.last(topics.Availability(old)) != online || !strings.Contains(h.broker.last(topics.State(old)), `"current_state":"end"`) {
			t.Errorf("announced %q, state %s", got, h.broker.last(topics.State(old)))
		}
		h.send(link.Message{Topic: topics.SetAttr(old, "power_off"), Payload: []byte("PRESS")})
		h.after(time.Minute)
		if len(h.cloud.made("control dry")) == 0 {
			t.Error("it obeys no more")
		}
	})
}

// TestReproach: a mapping that does nothing is told, once.
func TestReproach(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		var log strings.Builder
		h.o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		h.o.Discovery.Mappings = discovery.Mappings{"air_conditioner": {"pm25": {Name: "x"}, "climate": {Name: "y"}}, "washer": {"a": {}}}
		h.start()
		h.after(time.Hour)
		h.stop()
		for text, want := range map[string]int{"mappings.air_conditioner.pm25": 1, "climate": 0, "mappings.washer": 1} {
			if got := strings.Count(log.String(), text); got != want {
				t.Errorf("%s is told %d times, want %d:\n%s", text, got, want, log.String())
			}
		}
	})
}
