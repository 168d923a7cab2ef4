package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

const (
	profilePeriod = 24 * time.Hour
	lesserWait    = 10 * time.Minute // until a profile is read again that lacks what there was
	revisePeriod  = time.Hour        // between readings because a value was refused
)

// readProfile asks for a profile.
func (b *Bridge) readProfile(d *device, lane thinq.Lane, order int) {
	b.enqueue(&job{name: "profile " + d.info.ID, kind: "profile", order: order, lane: lane, owner: d, optional: d.profile != nil,
		call: func(ctx context.Context) (func(), error) {
			data, err := b.o.Cloud.Profile(ctx, d.info.ID)
			return func() { b.profileDone(d, data) }, err
		},
	})
}

// reviseProfile reads a profile out of turn, because LG refuses what it allows.
func (b *Bridge) reviseProfile(d *device) {
	if time.Since(d.revised) < revisePeriod {
		return
	}
	d.revised = time.Now()
	b.readProfile(d, thinq.Background, orderProfile)
}

func (b *Bridge) profileDone(d *device, data json.RawMessage) {
	d.due["profile"] = time.Now().Add(jitter(profilePeriod, 0.1))
	b.touch()
	if d.profile == nil || !bytes.Equal(data, d.raw) {
		b.take(d, data)
	} else {
		d.lesser = nil
		if !d.disabled && !d.unsupported["state"] {
			d.problem = "" // of a profile that made no sense
		}
	}
	if d.away {
		b.introduce(d)
	}
	if early := d.early; early != nil && d.profile != nil {
		d.early = nil
		b.readDone(d, early, "start")
	}
}

// take takes another profile over; one that lacks what there was only when it has
// been read twice: entities that go take their history with them (F-016).
func (b *Bridge) take(d *device, data json.RawMessage) {
	if b.lacks(d, data) && !bytes.Equal(data, d.lesser) {
		b.log.Info("the profile of an appliance lacks what it had: reading it once more before that is removed", "device", d.slug)
		d.lesser = bytes.Clone(data)
		b.later.set("profile "+d.info.ID, time.Now().Add(lesserWait), func() { b.readProfile(d, thinq.Background, orderProfile) })
		return
	}
	d.lesser = nil
	b.learn(d, data)
	if d.known {
		b.publishState(d, false)
		b.read(d, orderRead, "profile")
	}
	b.subscribePush(d, d.due["push"])
}

// lacks reports whether a profile is without some property of the present one.
func (b *Bridge) lacks(d *device, data json.RawMessage) bool {
	if d.profile == nil {
		return false
	}
	_, model, err := b.parse(data)
	return err == nil && slices.ContainsFunc(d.profile.Properties, func(p thinq.Property) bool {
		_, there := model.Profile.Property(p.Path)
		return !there
	})
}
