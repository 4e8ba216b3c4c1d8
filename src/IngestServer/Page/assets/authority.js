import { base, signIn } from "./api.js";

// Signing in at the authority whose tokens this server takes: authorization code with PKCE (RFC 7636), by this page alone, without a secret. The code comes back
// behind the hash, so that it is in no server's log. What the flow needs is kept for the tab until it is over.
const { authority, client, scope } = document.body.dataset;
const kept = "finance-ingest-signing-in";

export const isConfigured = () => Boolean(authority);
export const name = () => new URL(authority).hostname.startsWith("login.microsoftonline.") ? "Entra ID" : new URL(authority).host;

const text = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
const random = () => text(crypto.getRandomValues(new Uint8Array(32)));

export async function leaveForSignIn() {
  if (!crypto.subtle) throw new Error("Signing in there needs https, or this machine's own address.");
  const response = await fetch(`${authority}/.well-known/openid-configuration`, { credentials: "omit" });
  if (!response.ok) throw new Error(`${name()} answered ${response.status}.`);
  const { authorization_endpoint: endpoint, token_endpoint: token } = await response.json();
  const [state, verifier] = [random(), random()];
  sessionStorage.setItem(kept, JSON.stringify({ state, verifier, token, hash: location.hash }));
  const target = new URL(endpoint);
  for (const [key, value] of Object.entries({
    client_id: client, response_type: "code", response_mode: "fragment", redirect_uri: base.href, scope, state,
    code_challenge: text(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))), code_challenge_method: "S256",
  })) target.searchParams.set(key, value);
  location.assign(target);
}

// Where the authority has sent somebody back, its answer is taken out of the address and made a token. Returns what went wrong, or null.
export async function comeBack() {
  const answer = new URLSearchParams(location.hash.slice(1));
  if (!isConfigured() || !answer.has("state") || !(answer.has("code") || answer.has("error"))) return null;
  const begun = JSON.parse(sessionStorage.getItem(kept) ?? "null");
  sessionStorage.removeItem(kept);
  history.replaceState(null, "", location.pathname + (begun?.hash || "#/now"));
  if (begun?.state !== answer.get("state")) return "This answer belongs to no sign-in of this tab. Sign in again.";
  if (answer.has("error")) return answer.get("error_description") ?? answer.get("error");
  try {
    const response = await fetch(begun.token, { method: "POST", credentials: "omit", body: new URLSearchParams({
      grant_type: "authorization_code", client_id: client, code: answer.get("code"), redirect_uri: base.href, code_verifier: begun.verifier, scope }) });
    const body = await response.json().catch(() => ({}));
    if (!response.ok || !body.access_token) return body.error_description ?? body.error ?? `${name()} answered ${response.status}.`;
    signIn(body.access_token);
    return null;
  } catch (error) {
    return `${name()} could not be reached: ${error.message}`;
  }
}
