#!/usr/bin/env bash
# The whole round of the personas by curl: from an empty installation to an accepted delivery and its export.
#
#   remit init --organisation "Durban Analytics" --country ZA --name "Olga Operator" --login olga
#   remit serve
#   REMIT_URL=http://127.0.0.1:4747 REMIT_LOGIN=olga REMIT_PASSWORD='...' docs/round.sh
#
# It needs bash and curl alone, and runs as often as you like: each run makes people and an engagement of its own.
set -euo pipefail
: "${REMIT_URL:?where the server is}" "${REMIT_LOGIN:?the operator}" "${REMIT_PASSWORD:?the password of the operator}"

round=$(date +%s)-$RANDOM
everyone='a sentence nobody else would think of'

# Sends a request: TOKEN METHOD PATH [BODY]. Prints the answer, or the problem and stops. The key says which request it is, so
# that curl may send it again after a lost connection: it is done once.
call() {
  local answer key
  key=$round-$(printf '%s' "$*" | cksum | tr ' ' -)
  answer=$(curl --silent --show-error --fail-with-body --retry 3 --request "$2" "$REMIT_URL/api/v1$3" \
    --header "Authorization: Bearer $1" --header "Idempotency-Key: $key" \
    ${4:+--header 'Content-Type: application/json' --data "$4"}) || { printf '%s %s: %s\n' "$2" "$3" "$answer" >&2; return 1; }
  printf '%s\n' "$answer"
}

# Reads the first text field of a name out of the answer: with jq it would be `jq -r .NAME`.
pick() { grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }

# Prints a token: NAME PASSWORD.
token() { call none POST /session "{\"name\":\"$1\",\"password\":\"$2\",\"label\":\"round $round\"}" | pick token; }

say() { printf '\n%s\n' "$1" >&2; }

say '1. The operator adds the client, the people and what they are qualified for.'
operator=$(token "$REMIT_LOGIN" "$REMIT_PASSWORD")
client_org=$(call "$operator" POST /organisations '{"name":"Harbour Insurance","country":"GB"}' | pick organisation)
provider_org=$(call "$operator" POST /organisations '{"name":"Durban Readers","country":"ZA"}' | pick organisation)

# Adds a person who can sign in: NAME ORGANISATION COUNTRY. Prints who it is.
person() {
  local id
  id=$(call "$operator" POST /people "{\"organisation\":\"$2\",\"name\":\"$1\",\"signs_in\":true,\"place\":\"$3\",\"languages\":[\"en\"]}" | pick person)
  call "$operator" POST "/people/$id/login" "{\"name\":\"$1-$round\",\"password\":\"$everyone\"}" >&2
  printf '%s\n' "$id"
}
clara=$(person clara "$client_org" GB)
dumi=$(person dumi "$provider_org" ZA)
rita=$(person rita "$provider_org" ZA)
ravi=$(person ravi "$provider_org" ZA)
ada=$(person ada "$provider_org" ZA)
sam=$(person sam "$provider_org" GB)

# Records a credential: PERSON KIND.
credential() {
  call "$operator" POST "/people/$1/credentials" \
    "{\"kind\":\"$2\",\"number\":\"N-$RANDOM\",\"valid_from\":\"2020-01-01\",\"valid_to\":\"2035-12-31\"}" > /dev/null
}
for reader in "$rita" "$ravi" "$ada"; do credential "$reader" clinical-trials-reader; done
credential "$sam" methodologist

say '2. She drafts the engagement; the two managers run it from here.'
engagement=$(call "$operator" POST /engagements "{\"name\":\"Evidence $round\",\"client\":\"$client_org\",\"provider\":\"$provider_org\",
  \"managers\":[{\"person\":\"$clara\",\"side\":\"client\"},{\"person\":\"$dumi\",\"side\":\"provider\"}]}" | pick engagement)
client=$(token "clara-$round" "$everyone")
delivery=$(token "dumi-$round" "$everyone")
e=/engagements/$engagement

say '3. The delivery manager names the members.'
member() { # PERSON ROLE
  call "$delivery" POST "$e/members" "{\"person\":\"$1\",\"side\":\"provider\",\"roles\":[\"$2\"],\"capacity\":10}" > /dev/null
}
member "$rita" expert
member "$ravi" expert
member "$ada" adjudicator
member "$sam" signer

say '4. A statement of work is drafted, proposed, signed by both sides, and work begins.'
pack=$(call "$delivery" GET "$e/packs" | grep -o '"name":"evidence-analysis","version":"[^"]*","digest":"[^"]*"')
sow=$(call "$delivery" POST "$e/sows" "{\"starts_on\":\"2020-01-01\",\"ends_on\":\"2035-12-31\",\"lines\":[{\"clause\":\"2.1\",
  \"service\":\"Evidence reading\",\"kind\":\"standard\",\"includes\":[\"trial-outcome\"],\"places\":[\"ZA\",\"GB\"],\"volume_max\":100,
  \"price_minor\":4500,\"currency\":\"GBP\",\"revisions_max\":1,\"pack\":{$pack}}]}" | pick sow)
call "$delivery" POST "$e/sows/$sow/propose" > /dev/null
call "$delivery" POST "$e/sows/$sow/sign" > /dev/null
call "$client" POST "$e/sows/$sow/sign" > /dev/null
call "$delivery" POST "$e/live" > /dev/null

say '5. The client takes a case in; the scope gate admits it.'
quote='Pain at 12 weeks did not differ between the groups (difference 0.3 points, 95 % interval -0.4 to 1.0).'
case=$(call "$client" POST "$e/cases" "{\"reference\":\"T-1\",\"title\":\"Pain after twelve weeks\",\"case_type\":\"trial-outcome\",
  \"fields\":{\"outcome\":\"pain at 12 weeks\",\"intervention\":\"exercise\",\"comparator\":\"usual care\"},
  \"jurisdiction\":\"GB\",\"language\":\"en\",\"due_at\":\"2035-06-29T17:00:00Z\",\"owner\":\"$dumi\",
  \"items\":[{\"name\":\"Trial report\",\"media\":\"text\",\"body\":\"We compared exercise with usual care. $quote Walking improved.\"}]}" | pick case)
c=$e/cases/$case

say '6. Two experts read it, each alone. They cite by pasting the passage; it is found in the document.'
rita_token=$(token "rita-$round" "$everyone")
ravi_token=$(token "ravi-$round" "$everyone")
reading() { # ANSWER RATIONALE
  printf '{"answers":{"effect":"%s"},"quotes":{"effect":"%s"},"rationale":"%s"}' "$1" "$quote" "$2"
}
call "$rita_token" POST "$e/seats/next" > /dev/null
call "$ravi_token" POST "$e/seats/next" > /dev/null
call "$rita_token" POST "$c/readings" "$(reading no_difference 'The interval includes zero.')" > /dev/null
# Until he has sealed his own, nothing tells the second reader of the first.
if call "$ravi_token" GET "$c" | grep -q 'The interval includes zero'; then echo 'blindness is broken' >&2; exit 1; fi
call "$ravi_token" POST "$c/readings" "$(reading decreased 'Fewer points is less pain.')" > /dev/null

say '7. They differ: an adjudicator who has read nothing of it sees both readings without names, and decides.'
ada_token=$(token "ada-$round" "$everyone")
call "$ada_token" POST "$c/dispute/take" > /dev/null
call "$ada_token" POST "$c/dispute" "$(reading no_difference 'The interval includes zero: no difference was shown.')" > /dev/null

say '8. The methodologist opens every item and signs exactly this content. The password came with the token, minutes ago.'
sam_token=$(token "sam-$round" "$everyone")
desk=$(call "$sam_token" GET "$c/signoff")
content=$(grep -o '"content":"[0-9a-f]*"' <<< "$desk" | tail -n 1 | cut -d '"' -f 4)
sign=$(printf '{"content":"%s","statement":"I have read the report and stand by this answer."}' "$content")
if refused=$(call "$sam_token" POST "$c/signoff/sign" "$sign" 2>&1); then echo 'signed unseen' >&2; exit 1; fi
grep -q '"code":"item-unopened"' <<< "$refused" || { printf 'refused for another reason: %s\n' "$refused" >&2; exit 1; }
sed 's/.*"materials":\[\([^]]*\)\].*/\1/' <<< "$desk" | grep -o '"item":"[^"]*","version":[0-9]*' | while read -r material; do
  call "$sam_token" POST "$c/signoff/open" "{$material}" > /dev/null
done
call "$sam_token" POST "$c/signoff/open" '{}' > /dev/null
# The same words under the same key would be the request that was refused; a refusal is not kept, so it is done now.
call "$sam_token" POST "$c/signoff/sign" "$sign" > /dev/null

say '9. The provider delivers, the client accepts.'
call "$delivery" POST "$c/delivery" > /dev/null
call "$client" POST "$c/delivery/accept" > /dev/null

say '10. Everything can be taken away: cases with their readings, and the events behind them.'
call "$client" GET "$e/export/cases" > "${REMIT_EXPORT:-/dev/null}"
call "$client" GET "$e/export/events" > /dev/null
status=$(call "$client" GET "$c" | pick status)
[[ $status == accepted ]] || { printf 'not accepted but %s\n' "$status" >&2; exit 1; }
printf '%s %s\n' "$case" "$status"
