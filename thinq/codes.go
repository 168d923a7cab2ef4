package thinq

// A meaning is what one of LG's codes says, for the machine and for people.
type meaning struct {
	class Class
	text  string
}

// Words that several codes share.
const (
	newToken    = "LG does not accept the access token any more. Make a new one at connect-pat.lgthinq.com and put it in the configuration."
	notAllowed  = "The access token lacks the permission for this. Make a new one with every permission ticked."
	notYours    = "The appliance is not in this LG account any more."
	noModel     = "LG does not offer this model through its API."
	noProduct   = "LG does not offer this for the product."
	ourFault    = "LG did not understand the request. This is a defect of thinq2mqtt or a change at LG; please report it."
	setUpFault  = "LG does not know the account or the service behind the access token. Sign in to the LG ThinQ app once and make a new token."
	quotaUsed   = "LG's hourly quota of calls for this account is used up. Calls resume by themselves; other programs on the same account use the same quota."
	lgTrouble   = "LG's servers are in trouble. Calls resume by themselves."
	tryLater    = "The appliance could not do it just now. Try again in a moment."
	badKey      = "LG does not accept the key of its API; it may have changed it."
	newSignIn   = "LG does not accept the sign-in any more. Run \"thinq2mqtt login\" again."
	wrongRegion = "The LG account belongs to another country. Set the country in which the account was made."
)

// codes is everything known about LG's error codes. The names in the comments
// are those of LG's SDK; 1314 and 4001 are known from live traffic only. A code
// means this wherever LG sends it, whatever the HTTP status.
var codes = map[string]meaning{
	"0000": {Unknown, "LG reports a fault without saying which."},                                                                      // UNKNOWN_ERROR
	"1000": {Unknown, ourFault},                                                                                                        // BAD_REQUEST
	"1101": {Unknown, ourFault},                                                                                                        // MISSING_PARAMETERS
	"1102": {Refused, "LG does not accept one of the values. Look in the LG ThinQ app which ones it offers now."},                      // UNACCEPTABLE_PARAMETERS
	"1103": {Auth, newToken},                                                                                                           // INVALID_TOKEN
	"1104": {Unknown, ourFault},                                                                                                        // INVALID_MESSAGE_ID
	"1201": {Unknown, setUpFault},                                                                                                      // NOT_REGISTERED_ADMIN
	"1202": {Unknown, setUpFault},                                                                                                      // NOT_REGISTERED_USER
	"1203": {Unknown, setUpFault},                                                                                                      // NOT_REGISTERED_SERVICE
	"1204": {Done, "There was no event subscription for the appliance."},                                                               // NOT_SUBSCRIBED_EVENT
	"1205": {Gone, notYours},                                                                                                           // NOT_EXIST_DEVICE
	"1206": {Done, "There was no notification subscription for the appliance."},                                                        // NOT_SUBSCRIBED_PUSH
	"1207": {Done, "The notifications of the appliance were subscribed to already."},                                                   // ALREADY_SUBSCRIBED_PUSH
	"1208": {Unknown, setUpFault},                                                                                                      // NOT_REGISTERED_SERVICE_BY_ADMIN
	"1209": {Unknown, setUpFault},                                                                                                      // NOT_REGISTERED_USER_IN_SERVICE
	"1210": {Gone, notYours},                                                                                                           // NOT_REGISTERED_DEVICE_IN_SERVICE
	"1211": {Gone, notYours},                                                                                                           // NOT_REGISTERED_DEVICE_BY_USER
	"1212": {Gone, "The appliance belongs to another LG account."},                                                                     // NOT_OWNED_DEVICE
	"1213": {Gone, notYours},                                                                                                           // NOT_REGISTERED_DEVICE
	"1214": {Unsupported, "The appliance does not report changes by itself, so it is asked now and then."},                             // NOT_SUBSCRIBABLE_DEVICE
	"1216": {Unknown, ourFault},                                                                                                        // INCORRECT_HEADER
	"1217": {Gone, notYours},                                                                                                           // ALREADY_DEVICE_DELETED
	"1218": {Auth, newToken},                                                                                                           // INVALID_TOKEN_AGAIN
	"1219": {Unsupported, noModel},                                                                                                     // NOT_SUPPORTED_MODEL
	"1220": {Unsupported, "The appliance does not have this feature."},                                                                 // NOT_SUPPORTED_FEATURE
	"1221": {Unsupported, noProduct},                                                                                                   // NOT_SUPPORTED_PRODUCT
	"1222": {Offline, "The appliance is not connected to LG's cloud. Look whether it has power and Wi-Fi."},                            // NOT_CONNECTED_DEVICE
	"1223": {Offline, "LG has no valid condition of the appliance. Look whether it has power and Wi-Fi."},                              // INVALID_STATUS_DEVICE
	"1224": {Gone, "LG does not know the appliance."},                                                                                  // INVALID_DEVICE_ID
	"1225": {Unknown, "LG has the appliance registered twice. Remove it in the LG ThinQ app and add it again."},                        // DUPLICATE_DEVICE_ID
	"1301": {Unknown, badKey},                                                                                                          // INVALID_SERVICE_KEY
	"1302": {Auth, newToken},                                                                                                           // NOT_FOUND_TOKEN
	"1303": {Auth, newToken},                                                                                                           // NOT_FOUND_USER
	"1304": {Terms, "LG has new terms of use. Open the LG ThinQ app and accept them."},                                                 // NOT_ACCEPTABLE_TERMS
	"1305": {Blocked, notAllowed},                                                                                                      // NOT_ALLOWED_API
	"1306": {Rate, quotaUsed},                                                                                                          // EXCEEDED_API_CALLS
	"1307": {Country, wrongRegion},                                                                                                     // NOT_SUPPORTED_COUNTRY
	"1308": {Refused, "Somebody else controls the appliance at the moment, perhaps the LG ThinQ app. Try again when they are done."},   // NO_CONTROL_AUTHORITY
	"1309": {Blocked, notAllowed},                                                                                                      // NOT_ALLOWED_API_AGAIN
	"1310": {Country, wrongRegion},                                                                                                     // NOT_SUPPORTED_DOMAIN
	"1311": {Unknown, ourFault},                                                                                                        // BAD_REQUEST_FORMAT
	"1312": {Sublimit, "LG allows no more event subscriptions. The remaining appliances are asked now and then."},                      // EXCEEDED_NUMBER_OF_EVENT_SUBSCRIPTION
	"1314": {Rate, quotaUsed},                                                                                                          // EXCEEDED_USER_API_CALLS
	"2000": {Busy, lgTrouble},                                                                                                          // INTERNAL_SERVER_ERROR
	"2101": {Unsupported, noModel},                                                                                                     // NOT_SUPPORTED_MODEL_AGAIN
	"2201": {Unsupported, "LG does not provide this feature for the appliance."},                                                       // NOT_PROVIDED_FEATURE
	"2202": {Unsupported, noProduct},                                                                                                   // NOT_SUPPORTED_PRODUCT_AGAIN
	"2203": {Unsupported, "LG has no description of this model."},                                                                      // NOT_EXISTENT_MODEL_JSON
	"2205": {Refused, "The appliance does not take this in its present condition. Look at its display."},                               // INVALID_DEVICE_STATUS
	"2207": {Refused, "The appliance does not take this setting or value at the moment. Try another value, or change its mode first."}, // INVALID_COMMAND_ERROR
	"2208": {Busy, tryLater},                                                                                                           // FAIL_DEVICE_CONTROL
	"2209": {Busy, "The appliance did not answer in time. It may still do what it was told: look at it before you try again."},         // DEVICE_RESPONSE_DELAY
	"2210": {Busy, "LG asks to try again in a moment."},                                                                                // RETRY_REQUEST
	"2212": {Busy, "The appliance is synchronising with LG's cloud. Try again in a moment."},                                           // SYNCING
	"2213": {Lost, "LG has lost track of the appliance. Remove it in the LG ThinQ app and add it again."},                              // RETRY_AFTER_DELETING_DEVICE
	"2214": {Busy, tryLater},                                                                                                           // FAIL_REQUEST
	"2301": {Refused, "Remote start is switched off at the appliance. Switch it on there, then try again."},                            // COMMAND_NOT_SUPPORTED_IN_REMOTE_OFF
	"2302": {Refused, "The appliance does not take this in its present state. Wait until it is done, or stop it first."},               // COMMAND_NOT_SUPPORTED_IN_STATE
	"2303": {Refused, "The appliance has an error. Look at its display and clear it there first."},                                     // COMMAND_NOT_SUPPORTED_IN_ERROR
	"2304": {Refused, "The appliance is switched off. Switch it on first."},                                                            // COMMAND_NOT_SUPPORTED_IN_POWER_OFF
	"2305": {Refused, "The appliance does not take this in its present mode. Change the mode first."},                                  // COMMAND_NOT_SUPPORTED_IN_MODE
	"4001": {Done, "News of added and removed appliances were subscribed to already."},                                                 // ALREADY_SUBSCRIBED_HOME_PUSH
}

// classTexts speak where there is no code of the table.
var classTexts = map[Class]string{
	Rate: quotaUsed,
	Auth: newToken,
	Busy: lgTrouble,
}

// partnerTexts take the place of texts that speak of a personal token, where a
// user signed in at a partner's service.
var partnerTexts = map[string]string{
	newToken:   newSignIn,
	notAllowed: "LG has not opened this for the service. Ask LG to, or sign in again and agree to everything.",
	badKey:     "LG does not accept oauth.service_key. Compare it with the one that LG gave you.",
	setUpFault: "LG does not know the account or the service behind the sign-in. Look at oauth.service_id and oauth.service_key, and run \"thinq2mqtt login\" again.",
}
