// Package thinq speaks LG's ThinQ Connect API: it lists appliances, reads
// their profiles and states, sends control calls, and receives what LG reports
// about them.
//
// An appliance is described by a [Profile]. Everything it says or can be told
// is a [State]: values by [Path], one flat name for every value however LG
// nests it. [Profile.Decode] turns LG's JSON into a State, [Profile.Encode]
// turns a wish into the body of a control call.
//
// The package knows no MQTT library and no Home Assistant. Where events can be
// had is an [Endpoint]; how to get them from there is a [Subscriber].
package thinq
