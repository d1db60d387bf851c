/**
 * What to paste next. Only bash, curl and openssl are used; keys and headers come from files, so that
 * nothing secret is on the screen or in the history of the shell.
 */
export function sandboxGuide(home: string, url: string): string {
  return `
# --- paste into bash, in another terminal ------------------------------------------------
cd ${quote(home)} && umask 077 && url=${url}

# An access token for each caller. It is good for 15 minutes.
for who in issuer channel; do
  answer=$(curl -sS -H @$who.login -d grant_type=client_credentials $url/token)
  [[ $answer =~ \\"access_token\\":\\"([^\\"]+)\\" ]]
  echo "Authorization: Bearer \${BASH_REMATCH[1]}" > $who.bearer
done
fv() { curl -sS -H @$1.headers -H @$1.bearer "\${@:3}" $url/cards/embosser/$2; echo; }

# 1. A card is created. What stands in the place of its number is its PAN-TOKEN.
answer=$(fv issuer l8vf -d '{"organizationNumber":100,"postToAccount":"1","cardNumber":""}')
[[ $answer =~ \\"cardNumber\\":\\"([^\\"]+)\\" ]]; token=\${BASH_REMATCH[1]}; echo "token: $token"

# 2. The issuer is PCI-certified: it gets the number behind the token.
ask='{"organizationNumber":100,"cardNumber":"'$token'","cardSequence":1,"functionType":"P"}'
fv issuer card-pan-l8v2 -d "$ask"

# 3. The channel is not: it is refused.
fv channel card-pan-l8v2 -d "$ask"

# 4. A merchant asks what became of a card, once for each status, and decrypts the answers.
for status in A C E N O P Q V; do
  answer=$(curl -sS -H @merchant.headers -d @scenario-$status.json $url/api/cu/validatepan)
  [[ $answer =~ \\"encdata\\":\\"([^\\"]+)\\" ]]
  openssl base64 -d -A <<< "\${BASH_REMATCH[1]}" | openssl pkeyutl -decrypt -inkey merchant.pem
  echo
done
# ------------------------------------------------------------------------------------------
`;
}

/** A path as one word of bash. */
function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
