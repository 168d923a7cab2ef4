package main

import (
	"cmp"
	"context"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
)

// watchReload reads the configuration anew at every SIGHUP until ctx ends.
func (d *daemon) watchReload(ctx context.Context) {
	if d.again == nil {
		return
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-hup:
			d.reload(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// reload takes over what can be without a restart. A file that is wrong changes
// nothing.
func (d *daemon) reload(ctx context.Context) {
	next, err := d.again()
	if err != nil {
		d.log.Error("configuration not taken over, the old one stays", "err", err)
		return
	}
	fresh := d.cfg.with(next)
	if late := differences(reflect.ValueOf(*fresh), reflect.ValueOf(*next), ""); len(late) > 0 {
		d.log.Warn("a restart is needed for some settings", "settings", strings.Join(late, ", "))
	}
	if fresh.Log.Level != d.cfg.Log.Level {
		_ = d.level.UnmarshalText([]byte(fresh.Log.Level)) // validated
	}
	changed := differences(reflect.ValueOf(*d.cfg), reflect.ValueOf(*fresh), "")
	d.cfg = fresh
	for _, a := range d.accounts {
		_ = a.bridge.Reconfigure(ctx, fresh.discovery(a.label), fresh.public()) // fails when the bridge has ended, which is no matter then
	}
	d.log.Info("configuration taken over", "changed", cmp.Or(strings.Join(changed, ", "), "nothing"))
}

// with is the configuration with what of another one needs no restart.
func (c *Config) with(next *Config) *Config {
	fresh := *c
	fresh.Devices, fresh.Mappings, fresh.Log.Level, fresh.at = next.Devices, next.Mappings, next.Log.Level, next.at
	h := next.HomeAssistant
	h.Enabled, h.DiscoveryPrefix = c.HomeAssistant.Enabled, c.HomeAssistant.DiscoveryPrefix
	fresh.HomeAssistant = h
	return &fresh
}

// differences are the keys whose values are not the same in two configurations.
func differences(a, b reflect.Value, section string) []string {
	var keys []string
	for name, f := range settings(a.Type()) {
		x, y := a.FieldByIndex(f.Index), b.FieldByIndex(f.Index)
		switch {
		case f.Type.Kind() == reflect.Struct:
			keys = append(keys, differences(x, y, join(section, name))...)
		case !reflect.DeepEqual(x.Interface(), y.Interface()):
			keys = append(keys, join(section, name))
		}
	}
	return keys
}
