package discovery

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A powerSwitch is the property that turns the appliance on, before LG takes
// most other wishes.
type powerSwitch struct {
	path    thinq.Path
	on, off string
}

// An order is one attribute of a wish on its way to a call.
type order struct {
	*Binding
	payload string
}

// A call is what will travel in one control call.
type call struct {
	rank  rank
	group thinq.Path // without name: LG takes one resource of one place at a time
	wish  thinq.State
	with  []thinq.Property
}

// Wish turns attributes (keys of the state document, values as bare text) into
// control calls, in the order in which they must be made; none means that
// everything is so already. A call may be [Local]. Values are checked against the profile, companions
// that LG wants in the same call are added from now. The error is a *[Rejection].
func (d *Device) Wish(attrs map[string]string, now thinq.State) (calls []thinq.State, err error) {
	return d.Wishes([]map[string]string{attrs}, now)
}

// Wishes is [Device.Wish] for the attributes of several wishes, oldest first.
// Where they want different things of one value the newest is right.
func (d *Device) Wishes(wishes []map[string]string, now thinq.State) (calls []thinq.State, err error) {
	orders, rejection := d.orders(wishes)
	if rejection != nil {
		return nil, rejection
	}
	p := plan{device: d, now: now, then: maps.Clone(now)}
	if p.then == nil {
		p.then = thinq.State{}
	}
	for _, o := range orders {
		if rejection := p.add(o); rejection != nil {
			rejection.Attr = o.Attr
			return nil, rejection
		}
	}
	if rejection := p.disagreement(orders); rejection != nil {
		return nil, rejection
	}
	return p.finish(), nil
}

// disagreement asks every order about the state that all of them make.
func (p *plan) disagreement(orders []order) *Rejection {
	for _, o := range orders {
		if o.agree == nil {
			continue
		}
		if rejection := o.agree(p.then); rejection != nil {
			rejection.Attr, rejection.Alone = o.Attr, true
			return rejection
		}
	}
	return nil
}

// Local reports whether a call of a wish is none for LG: it sets what the bridge
// itself remembers about an appliance, and is to be merged into the state.
func Local(call thinq.State) bool {
	for p := range call {
		return p.Resource == derived
	}
	return false
}

// orders finds the bindings of the attributes, in the order of their calls. What
// a later wish says of the same attribute replaces what an earlier one did.
func (d *Device) orders(wishes []map[string]string) ([]order, *Rejection) {
	var orders []order
	for _, attrs := range wishes {
		for _, attr := range slices.Sorted(maps.Keys(attrs)) {
			b := d.attrs[attr]
			switch {
			case b == nil:
				return nil, &Rejection{Attr: attr, Reason: "unknown_attribute", Message: d.Slug + " has no attribute " + Excerpt(attr), Allowed: d.settable()}
			case b.Codec.Take == nil:
				return nil, &Rejection{Attr: attr, Reason: "read_only", Message: attr + " can only be read", Allowed: d.settable()}
			}
			orders = slices.DeleteFunc(orders, func(old order) bool { return old.Binding == b })
			orders = append(orders, order{b, attrs[attr]})
		}
	}
	slices.SortStableFunc(orders, func(a, b order) int { return cmp.Compare(a.rank, b.rank) })
	return orders, nil
}

// settable lists the attributes that can be set.
func (d *Device) settable() []string {
	var all []string
	for attr, b := range d.attrs {
		if b.Codec.Take != nil {
			all = append(all, attr)
		}
	}
	slices.Sort(all)
	return all
}

// A plan collects the calls of one wish.
type plan struct {
	device *Device
	now    thinq.State
	then   thinq.State // now with the wishes so far
	calls  []*call
	wake   bool
	off    bool // somebody wants it off, so nothing turns it on
}

// add takes one order into the plan.
func (p *plan) add(o order) *Rejection {
	wish, rejection := o.Codec.Take(o.payload, p.then)
	if rejection != nil {
		return rejection
	}
	p.off = p.off || p.device.turnsOff(wish)
	if p.isSo(o, wish) {
		return nil
	}
	if rejection := p.device.forbidden(o.Attr, wish, p.then); rejection != nil {
		return rejection
	}
	if rejection := p.check(o, wish); rejection != nil {
		return rejection
	}
	if rejection := p.device.forbids(wish, p.then); rejection != nil {
		return rejection
	}
	if o.guard != nil {
		if rejection := o.guard(p.device, wish, p.then); rejection != nil {
			return rejection
		}
	}
	p.wake = p.wake || o.wakes && !p.device.turnsOff(wish)
	for _, path := range slices.SortedFunc(maps.Keys(wish), thinq.Path.Compare) {
		c := p.callFor(path, min(o.rank, rankOf(path)))
		c.wish[path] = wish[path]
		c.with = append(c.with, o.With...)
	}
	maps.Copy(p.then, wish)
	return nil
}

// isSo reports whether a wish changes nothing: every value is already as
// wanted, or, where a value cannot be read back, what is shown already is what
// is asked for. A new mode may change what is shown, so then it must be sent.
func (p *plan) isSo(o order, wish thinq.State) bool {
	same := true
	for path, v := range wish {
		known, ok := p.then[path]
		same = same && ok && known == v
	}
	if same {
		return !p.undoes(wish)
	}
	for _, c := range p.calls {
		if c.rank < rankValue {
			return false
		}
	}
	return o.mirrored && shown(o.Codec.Show(nil, p.now), o.payload)
}

// undoes reports whether a new mode of the plan resets what a wish is about.
func (p *plan) undoes(wish thinq.State) bool {
	newMode := slices.ContainsFunc(p.calls, func(c *call) bool { return c.rank == rankMode })
	for path := range wish {
		if newMode && Fleeting(path) {
			return true
		}
	}
	return false
}

// Fleeting reports whether LG resets a value when the mode of the appliance
// changes.
func Fleeting(p thinq.Path) bool {
	return p.Resource == "airFlow" || strings.HasSuffix(p.Name, "argetTemperature")
}

// Undone reports whether a new mode right after a wish for these attributes
// would undo it, so that it must be made good after one.
func (d *Device) Undone(attrs map[string]string) bool {
	fleeting := false
	for attr := range attrs {
		b := d.attrs[attr]
		if b == nil || b.rank <= rankMode {
			return false
		}
		fleeting = fleeting || slices.ContainsFunc(b.Props, func(p thinq.Property) bool { return Fleeting(p.Path) })
	}
	return fleeting && d.modal
}

// Modal reports whether a wish for these attributes may bring a new mode.
func (d *Device) Modal(attrs map[string]string) bool {
	for attr := range attrs {
		if b := d.attrs[attr]; b != nil && b.rank <= rankMode {
			return true
		}
	}
	return false
}

// shown compares a JSON value with bare text.
func shown(form []byte, payload string) bool {
	have := strings.Trim(string(form), `"`)
	if a, err := strconv.ParseFloat(have, 64); err == nil {
		b, err := strconv.ParseFloat(strings.TrimSpace(payload), 64)
		return err == nil && a == b
	}
	return have != "null" && strings.EqualFold(have, strings.TrimSpace(payload))
}

// check asks the profile.
func (p *plan) check(o order, wish thinq.State) *Rejection {
	for path, v := range wish {
		i := slices.IndexFunc(o.Props, func(prop thinq.Property) bool { return prop.Path == path })
		if i < 0 {
			continue
		}
		if err := o.Props[i].Check(v); err != nil {
			return invalid(err.Error(), allowed(o.Props[i]))
		}
	}
	return nil
}

// allowed is what can be written to a property, for a rejection.
func allowed(p thinq.Property) any {
	switch w := p.Write; {
	case w.Limited:
		return limits{w.Min, w.Max, w.Step}
	case len(w.Options) > 0:
		return wordsOf(w.Options)
	}
	return nil
}

// callFor is the call that carries a path: all values of one resource at one
// place travel together.
func (p *plan) callFor(path thinq.Path, r rank) *call {
	group := path
	group.Name = ""
	if p.device.together && path.Resource != derived {
		group = thinq.Path{Part: path.Part, Location: path.Location}
	}
	for _, c := range p.calls {
		if c.group == group {
			c.rank = min(c.rank, r)
			return c
		}
	}
	if power := p.device.power; power != nil && power.path == path {
		r = rankPower
	}
	c := &call{rank: r, group: group, wish: thinq.State{}}
	p.calls = append(p.calls, c)
	return c
}

// turnsOff reports whether a wish is the one to switch the appliance off.
func (d *Device) turnsOff(wish thinq.State) bool {
	return d.power != nil && wish[d.power.path] == any(d.power.off)
}

// Switches reports whether a wish for these attributes is to switch the
// appliance on or off, or to leave it so. What else is wished for along with off
// is no reason to switch it on.
func (d *Device) Switches(attrs map[string]string, now thinq.State) (on, off bool) {
	for attr, payload := range attrs {
		b := d.attrs[attr]
		if d.power == nil || b == nil || b.Codec.Take == nil {
			continue
		}
		if wish, rejection := b.Codec.Take(payload, now); rejection == nil {
			on = on || wish[d.power.path] == any(d.power.on)
			off = off || d.turnsOff(wish)
		}
	}
	return on, off
}

// finish puts the calls in order, with companions, and the power first.
func (p *plan) finish() []thinq.State {
	if power := p.device.power; p.wake && !p.off && power != nil && p.then[power.path] == any(power.off) {
		p.callFor(power.path, rankPower).wish[power.path] = power.on
	}
	slices.SortStableFunc(p.calls, func(a, b *call) int { return cmp.Compare(a.rank, b.rank) })
	var wishes []thinq.State
	for _, c := range p.calls {
		for _, st := range p.device.stages {
			st.complete(c.wish, p.then)
		}
		p.accompany(c)
		if i := slices.IndexFunc(wishes, func(w thinq.State) bool { return overlap(w, c.wish) }); i >= 0 {
			maps.Copy(wishes[i], c.wish)
			continue
		}
		wishes = append(wishes, c.wish)
	}
	return wishes
}

// accompany adds the companions of a call at their values of then; a number
// that nobody knows counts as 0, as LG's own app does with lamp and fan.
func (p *plan) accompany(c *call) {
	for _, other := range c.with {
		if _, wanted := c.wish[other.Path]; wanted {
			continue
		}
		v := p.then[other.Path]
		if v == nil {
			v = 0.0
		}
		if f, ok := v.(float64); ok && other.Check(v) != nil {
			v = other.Round(f)
		}
		if other.Check(v) != nil {
			continue // what the appliance says makes no sense; LG decides without it
		}
		c.wish[other.Path] = v
	}
}

func overlap(a, b thinq.State) bool {
	for path := range a {
		if _, ok := b[path]; ok {
			return true
		}
	}
	return false
}
