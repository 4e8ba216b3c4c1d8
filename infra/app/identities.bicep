// Each program has its own identity with the fewest roles that it can work with. The identities are user-assigned, so that their roles exist before the
// programs first start.
import { identityType } from 'types.bicep'

param location string
param tags object
@minLength(13)
param token string

resource intakeIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-intake-${token}'
  location: location
  tags: tags
}

resource workerIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-worker-${token}'
  location: location
  tags: tags
}

resource mailerIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-mailer-${token}'
  location: location
  tags: tags
}

resource notifierIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-notifier-${token}'
  location: location
  tags: tags
}

resource portalIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-portal-${token}'
  location: location
  tags: tags
}

output intake identityType = {
  name: intakeIdentity.name
  id: intakeIdentity.id
  clientId: intakeIdentity.properties.clientId
  principalId: intakeIdentity.properties.principalId
}
output worker identityType = {
  name: workerIdentity.name
  id: workerIdentity.id
  clientId: workerIdentity.properties.clientId
  principalId: workerIdentity.properties.principalId
}
output mailer identityType = {
  name: mailerIdentity.name
  id: mailerIdentity.id
  clientId: mailerIdentity.properties.clientId
  principalId: mailerIdentity.properties.principalId
}
output notifier identityType = {
  name: notifierIdentity.name
  id: notifierIdentity.id
  clientId: notifierIdentity.properties.clientId
  principalId: notifierIdentity.properties.principalId
}
output portal identityType = {
  name: portalIdentity.name
  id: portalIdentity.id
  clientId: portalIdentity.properties.clientId
  principalId: portalIdentity.properties.principalId
}
