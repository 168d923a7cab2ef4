package discovery

import (
	"strings"
	"testing"
)

var testTopics = Topics{Base: "home/thinq2mqtt", Prefix: "homeassistant"}

func TestTopicsParse(t *testing.T) {
	tt := testTopics
	tests := []struct {
		topic string
		want  Target
	}{
		{tt.State("washer_1"), Target{KindState, "washer_1", ""}},
		{tt.Availability("washer_1"), Target{KindAvailability, "washer_1", ""}},
		{tt.Set("washer_1"), Target{KindSet, "washer_1", ""}},
		{tt.SetAttr("washer_1", "start"), Target{KindSet, "washer_1", "start"}},
		{tt.Get("washer_1"), Target{KindGet, "washer_1", ""}},
		{tt.Result("washer_1"), Target{KindResult, "washer_1", ""}},
		{tt.Event("washer_1", "cycle"), Target{KindEvent, "washer_1", "cycle"}},
		{tt.Extra("robot_1", "vacuum"), Target{KindExtra, "robot_1", "vacuum"}},
		{tt.Bridge("state"), Target{KindBridge, "", "state"}},
		{tt.Request("health_check"), Target{KindRequest, "", "health_check"}},
		{tt.Request("device/options"), Target{KindRequest, "", "device/options"}},
		{tt.Response("restart"), Target{KindResponse, "", "restart"}},
		{tt.Discovery("washer_1"), Target{KindDiscovery, "washer_1", ""}},
		{tt.Discovery("bridge"), Target{KindDiscovery, "bridge", ""}},
		{tt.Birth(), Target{KindBirth, "", ""}},
	}
	for _, test := range tests {
		if got, ok := tt.Parse(test.topic); !ok || got != test.want {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", test.topic, got, ok, test.want)
		}
	}
}

func TestTopicsParseRefuses(t *testing.T) {
	for _, topic := range []string{
		"", "home", "home/thinq2mqtt", "home/thinq2mqtt/", "home/thinq2mqtt//set", "home/thinq2mqtt/washer_1/",
		"home/thinq2mqtt/washer_1/set/", "home/thinq2mqtt/washer_1/set/a/b", "home/thinq2mqtt/washer_1/other",
		"home/thinq2mqtt/bridge", "home/thinq2mqtt/bridge/other/verb", "home/thinq2mqtt2/washer_1/set",
		"homeassistant/device/zigbee_1/config", "homeassistant/sensor/thinq2mqtt_x/config", "homeassistant/device/thinq2mqtt_a b/config",
	} {
		if got, ok := testTopics.Parse(topic); ok {
			t.Errorf("Parse(%q) = %+v, want none", topic, got)
		}
	}
}

func TestAnswerable(t *testing.T) {
	for topic, want := range map[string]bool{
		"home/thinq2mqtt/answers/1": true, "homeassistant/x": true,
		"": false, "other/x": false, "home/thinq2mqtt/+": false, "home/thinq2mqttx/1": false,
	} {
		if got := testTopics.Answerable(topic); got != want {
			t.Errorf("Answerable(%q) = %v, want %v", topic, got, want)
		}
	}
}

func TestSlug(t *testing.T) {
	for _, test := range []struct{ deviceType, id, want string }{
		{typePrefix + "WASHER", "abc", "washer_ba7816bf"},
		{"Shoe Care/2", "abc", "shoe_care_2_ba7816bf"},
		{"", "abc", "appliance_ba7816bf"},
		{strings.Repeat("X", 1000), "abc", strings.Repeat("x", 48) + "_ba7816bf"},
	} {
		got := Slug(test.deviceType, test.id)
		if got != test.want || !ValidSlug(got) {
			t.Errorf("Slug(%q, %q) = %q, want %q", test.deviceType, test.id, got, test.want)
		}
	}
}
