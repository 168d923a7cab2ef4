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
	opUser
	opDisconnect
)

// An endpoint is one line of LG's API reference.
type endpoint struct {
	method, path string // path with {id} in the place of the device id
	headers      map[string]string
	large        bool // the answer may be as large as a profile
}

func (e endpoint) String() string { return e.method + " " + e.path }

// A Surface names one of LG's API families.
type Surface string

// The families. Source: LG's developer pages.
const (
	Personal  Surface = ""   // for owners of appliances ("ThinQ Connect", personal access token)
	PartnerV1 Surface = "v1" // for companies with a service id and key ("ext"); the user signs in through EMP
	PartnerV2 Surface = "v2" // their newer one ("connect")
)

// A surface is one of LG's API families: the same operations and answers under
// other hosts, header names and paths. Words in braces stand for a value of the
// client: {region} and, in headers, {country}, {client}, {key}, {service} and
// {serviceKey}.
type surface struct {
	base      string
	headers   map[string]string
	endpoints map[operation]endpoint
	service   bool // calls are made in the name of a service
	hours     int  // for which a subscription to events is asked
	// callback: events come over LG's callback websocket. There is no event
	// broker, and so no route, registration and certificate.
	callback bool
}

// surfaces is all that differs between LG's API families.
var surfaces = map[Surface]surface{Personal: personal, PartnerV1: partnerV1, PartnerV2: partnerV2}

// personal differs in nothing between what LG documents and what its SDK does,
// but for the life of event subscriptions: documented are 24 hours.
var personal = surface{
	hours: 4464,
	base:  "https://api-{region}.lgthinq.com",
	headers: map[string]string{
		"x-country":       "{country}",
		"x-client-id":     "{client}",
		"x-api-key":       "{key}",
		"x-service-phase": "OP",
	},
	endpoints: map[operation]endpoint{
		opRoute:                {method: http.MethodGet, path: "/route"},
		opDevices:              {method: http.MethodGet, path: "/devices", large: true},
		opProfile:              {method: http.MethodGet, path: "/devices/{id}/profile", large: true},
		opState:                {method: http.MethodGet, path: "/devices/{id}/state"},
		opControl:              {method: http.MethodPost, path: "/devices/{id}/control", headers: conditional},
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

// partnerHeaders go with every call of a partner. The country is that of the
// user, and has another name than in the personal API.
var partnerHeaders = map[string]string{
	"x-country-code": "{country}",
	"x-service-id":   "{service}",
	"x-service-key":  "{serviceKey}",
}

// LG then refuses what the appliance's condition forbids, instead of passing it
// through.
var conditional = map[string]string{"x-conditional-control": "true"}

var partnerV1 = surface{
	base: "https://{region}-ext.lgthinq.com", headers: partnerHeaders, service: true, callback: true, hours: 24,
	endpoints: map[operation]endpoint{
		opDevices:          {method: http.MethodGet, path: "/devices", large: true},
		opProfile:          {method: http.MethodGet, path: "/devices/profile/{id}", large: true},
		opState:            {method: http.MethodGet, path: "/devices/{id}"},
		opControl:          {method: http.MethodPost, path: "/devices/{id}", headers: conditional},
		opPushList:         {method: http.MethodGet, path: "/push"},
		opPushSubscribe:    {method: http.MethodPost, path: "/push/{id}"},
		opPushUnsubscribe:  {method: http.MethodDelete, path: "/push/{id}"},
		opEventSubscribe:   {method: http.MethodPost, path: "/event/{id}"},
		opEventUnsubscribe: {method: http.MethodDelete, path: "/event/{id}"},
		opUser:             {method: http.MethodGet, path: "/users"},
		opDisconnect:       {method: http.MethodDelete, path: "/user/service"},
	},
}

var partnerV2 = surface{
	base: "https://{region}-connect.lgthinq.com", headers: partnerHeaders, service: true, callback: true, hours: 24,
	endpoints: map[operation]endpoint{
		opDevices:              {method: http.MethodGet, path: "/v2/devices", large: true},
		opProfile:              {method: http.MethodGet, path: "/v2/devices/profile/{id}", large: true},
		opState:                {method: http.MethodGet, path: "/v2/devices/status/{id}"},
		opControl:              {method: http.MethodPost, path: "/v2/devices/control/{id}", headers: conditional},
		opPushList:             {method: http.MethodGet, path: "/v2/devices/push"},
		opPushSubscribe:        {method: http.MethodPost, path: "/v2/devices/push/{id}"},
		opPushUnsubscribe:      {method: http.MethodDelete, path: "/v2/devices/push/{id}"},
		opEventList:            {method: http.MethodGet, path: "/v2/devices/event"},
		opEventSubscribe:       {method: http.MethodPost, path: "/v2/devices/event/{id}"},
		opEventUnsubscribe:     {method: http.MethodDelete, path: "/v2/devices/event/{id}"},
		opLifecycleSubscribe:   {method: http.MethodPost, path: "/v2/users/push"},
		opLifecycleUnsubscribe: {method: http.MethodDelete, path: "/v2/users/push"},
	},
}
