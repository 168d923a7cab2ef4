package bridge

import (
	"cmp"
	"context"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// Reconfigure takes over what was configured anew of the appliances and of what
// Home Assistant is told: settings, mappings, language, labels and units. Topics
// stay as they are. What looks otherwise than before is announced again. config
// is for bridge/info.
func (b *Bridge) Reconfigure(ctx context.Context, o discovery.Options, config any) error {
	return b.ask(ctx, func() { b.reconfigure(o, config) })
}

// ask has something done by the loop.
func (b *Bridge) ask(ctx context.Context, do func()) error {
	select {
	case b.asks <- do:
		return nil
	case <-b.ended:
		return errEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *Bridge) reconfigure(o discovery.Options, config any) {
	was := b.o.Discovery
	configured := o.Settings
	o.Topics, o.Instance, o.Version = was.Topics, was.Instance, was.Version
	o.Settings = func(id, slug string) discovery.Settings { return b.settings(configured, id, slug) }
	b.o.Discovery, b.o.Config = o, config
	clear(b.reproached)
	clear(b.withdrawn)
	for _, d := range b.ordered() {
		b.enable(d)
		b.guard(d, func() { b.resettle(d) })
	}
	if o.Language != was.Language {
		b.announceSelf()
	}
	b.publishInfo()
	b.touch()
}

// resettle takes the settings of an appliance over.
func (b *Bridge) resettle(d *device) {
	usual, old, ignored := discovery.Slug(d.info.Type, d.info.ID), d.slug, d.ignored
	s := b.o.Discovery.Settings(d.info.ID, usual)
	d.slug, d.ignored = cmp.Or(s.Slug, usual), s.Ignore
	if d.slug != old {
		b.m.deviceOnline.DeleteLabelValues(b.o.Account, old)
		b.m.deviceUpdated.DeleteLabelValues(b.o.Account, old)
	}
	switch {
	case d.ignored && !ignored:
		b.leave(d)
	case d.ignored:
	case ignored:
		b.grant(d, callsPerDevice)
		d.known = false
		b.acquaint(d)
		b.describe(d, "change")
	default:
		b.describe(d, "change")
		b.publishState(d, false)
		b.publishAvailability(d, false)
	}
}

// leave alone an appliance that the owner wants to be ignored from now on.
func (b *Bridge) leave(d *device) {
	b.log.Info("appliance ignored from now on", "device", d.slug)
	b.abandon(d, rejection{Reason: "ignored", Message: d.slug + " is ignored by the configuration"})
	b.forget(d)
	for _, h := range d.halves {
		b.clear(h)
	}
	d.halves = nil
	delete(b.busy, d)
	b.cancelAppointments(d)
}

// reproach says in the log which of the mappings do nothing, each once, as soon
// as all appliances are known.
func (b *Bridge) reproach() {
	var devices []*discovery.Device
	for _, d := range b.ordered() {
		if !d.ignored && d.profile == nil && d.problem == "" || !b.listed {
			return
		}
		for _, h := range d.halves {
			devices = append(devices, h.Device)
		}
	}
	for _, problem := range b.o.Discovery.Mappings.Problems(devices, true) {
		if !b.reproached[problem] {
			b.log.Warn("a mapping cannot be applied", "problem", problem)
		}
		b.reproached[problem] = true
	}
}
