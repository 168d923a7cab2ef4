package thinq

import "net/http"

// An operation names one thing that can be asked of LG, whatever the surface.
type operation int

const (
	opRoute operation = iota
	opDevices
	opProfile
	opState
	opControl
	opRegister
	opUnregister
	opCertificate
	opPushList
	opPushSubscribe
	opPushUnsubscribe
	opLifecycleList
	opLifecycleSubscribe
	opLifecycleUnsubscribe
	opEventList
	opEventSubscribe
	opEventUnsubscribe
	opEnergyProfile
	opEnergyUsage
)

// An endpoint is one line of LG's API reference.
type endpoint struct {
	method, path string // path with {id} in the place of the device id
	headers      map[string]string
	large        bool // the answer may be as large as a profile
}

func (e endpoint) String() string { return e.method + " " + e.path }

// A surface is one of LG's API families: the same operations and answers under
// other hosts, header names and paths. Words in braces stand for a value of the
// client: {region} and, in headers, {country}, {client} and {key}.
type surface struct {
	base      string
	headers   map[string]string
	endpoints map[operation]endpoint
}

// personal is the API for owners of appliances ("ThinQ Connect", personal
// access token). Source: LG's developer pages and official SDK.
var personal = surface{
	base: "https://api-{region}.lgthinq.com",
	headers: map[string]string{
		"x-country":       "{country}",
		"x-client-id":     "{client}",
		"x-api-key":       "{key}",
		"x-service-phase": "OP",
	},
	endpoints: map[operation]endpoint{
		opRoute:   {method: http.MethodGet, path: "/route"},
		opDevices: {method: http.MethodGet, path: "/devices", large: true},
		opProfile: {method: http.MethodGet, path: "/devices/{id}/profile", large: true},
		opState:   {method: http.MethodGet, path: "/devices/{id}/state"},
		opControl: {method: http.MethodPost, path: "/devices/{id}/control",
			// LG then refuses what the appliance's condition forbids, instead
			// of passing it through.
			headers: map[string]string{"x-conditional-control": "true"}},
		opRegister:             {method: http.MethodPost, path: "/client"},
		opUnregister:           {method: http.MethodDelete, path: "/client"},
		opCertificate:          {method: http.MethodPost, path: "/client/certificate"},
		opPushList:             {method: http.MethodGet, path: "/push"},
		opPushSubscribe:        {method: http.MethodPost, path: "/push/{id}/subscribe"},
		opPushUnsubscribe:      {method: http.MethodDelete, path: "/push/{id}/unsubscribe"},
		opLifecycleList:        {method: http.MethodGet, path: "/push/devices"},
		opLifecycleSubscribe:   {method: http.MethodPost, path: "/push/devices"},
		opLifecycleUnsubscribe: {method: http.MethodDelete, path: "/push/devices"},
		opEventList:            {method: http.MethodGet, path: "/event"},
		opEventSubscribe:       {method: http.MethodPost, path: "/event/{id}/subscribe"},
		opEventUnsubscribe:     {method: http.MethodDelete, path: "/event/{id}/unsubscribe"},
		opEnergyProfile:        {method: http.MethodGet, path: "/devices/energy/{id}/profile"},
		opEnergyUsage:          {method: http.MethodGet, path: "/devices/energy/{id}/usage"},
	},
}
