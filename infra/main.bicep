// Everything that FinanceIngest needs in Azure: "azd up" from the repository's root. docs/azure.md explains the choices and estimates the cost.
targetScope = 'subscription'

@minLength(1)
@maxLength(48)
@description('Name of the azd environment; the resource group is called after it.')
param environmentName string

@minLength(1)
@description('Region of all resources. It must offer Flex Consumption.')
param location string

@description('Object id of the person, group or application that administers the database and prepares it after provisioning. A group is best: it survives its members.')
param administratorId string = deployer().objectId

@description('Display name of the administrator, as the portal shows it.')
param administratorName string = empty(deployer().userPrincipalName) ? deployer().objectId : deployer().userPrincipalName

@allowed(['User', 'Group', 'ServicePrincipal'])
@description('What the administrator is.')
param administratorType string = 'User'

@description('Who gets the mail about anomalies; several addresses are separated by semicolons. Empty: the Logic App is deployed switched off.')
param mailRecipients string = ''

@description('Who gets the mail when an alert rule fires (ops/alerts/azure.yaml, docs/operations.md); several addresses are separated by semicolons. Empty: no rules are made, which cost something every month.')
param operators string = ''

@description('What the currency in the mail is written with.')
param currencySymbol string = '₹'

@description('Start of the link in the mail, to which the transaction id is appended. Empty: the status endpoint of the intake, which wants a key; a page of your own is kinder to readers.')
param transactionLink string = ''

@description('Use the free monthly amount of Azure SQL (one of ten free databases of the subscription).')
param sqlFreeLimit bool = true

@allowed(['AutoPause', 'BillOverUsage'])
@description('When the free amount is used up. AutoPause: no bill, and scoring waits for the next month while the queue keeps everything. BillOverUsage: it goes on, and costs.')
param sqlFreeLimitExhausted string = 'AutoPause'

@allowed([1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 32, 40, 80])
@description('Most vCores of the serverless database. The free amount allows up to 4. Beyond 4 an awake database is billed for more than half a vCore: an eighth of this.')
param sqlMaxVcores int = 2

@minValue(1)
@maxValue(300)
@description('Most worker replicas. Each more opens more connections to the database: raise sqlMaxVcores along with it.')
param workerMaxReplicas int = 5

@minValue(1)
@description('Messages on the inbound queue for each worker replica. A worker takes up to 32 at a time: 64 is one batch in hand and one waiting.')
param workerQueueLength int = 64

@description('Image of the worker. azd sets it after its first deployment; until then a placeholder runs.')
param workerImage string = ''

@description('Keep deleted key vaults for 90 days, whatever anybody says. Turn off only for environments that are thrown away: the vault holds the signing key.')
param protectVaultsFromPurge bool = true

var tags = { 'azd-env-name': environmentName }
var token = toLower(uniqueString(subscription().id, environmentName, location))

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module monitoring 'app/monitoring.bicep' = {
  scope: group
  params: { location: location, tags: tags, token: token }
}

module identities 'app/identities.bicep' = {
  scope: group
  params: { location: location, tags: tags, token: token }
}

module storage 'app/storage.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    intakePrincipalId: identities.outputs.intake.principalId
    workerPrincipalId: identities.outputs.worker.principalId
    mailerPrincipalId: identities.outputs.mailer.principalId
    administratorId: administratorId
    administratorType: administratorType
  }
}

module vault 'app/vault.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    readerPrincipalIds: [identities.outputs.intake.principalId, identities.outputs.worker.principalId]
    administratorId: administratorId
    administratorType: administratorType
    protectFromPurge: protectVaultsFromPurge
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
  }
}

module database 'app/database.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    administratorId: administratorId
    administratorName: administratorName
    administratorType: administratorType
    freeLimit: sqlFreeLimit
    freeLimitExhausted: sqlFreeLimitExhausted
    maxVcores: sqlMaxVcores
  }
}

module intake 'app/intake.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identity: identities.outputs.intake
    storageAccountName: storage.outputs.accountName
    deploymentContainerName: storage.outputs.deploymentContainerName
    databaseServer: database.outputs.server
    databaseName: database.outputs.name
    signingKeyUri: vault.outputs.signingKeyUri
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    protectFromPurge: protectVaultsFromPurge
  }
}

module worker 'app/worker.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identity: identities.outputs.worker
    storageAccountName: storage.outputs.accountName
    databaseServer: database.outputs.server
    databaseName: database.outputs.name
    signingKeyUri: vault.outputs.signingKeyUri
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
    image: workerImage
    maxReplicas: workerMaxReplicas
    queueLength: workerQueueLength
  }
}

module mailer 'app/mailer.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identity: identities.outputs.mailer
    storageAccountName: storage.outputs.accountName
    recipients: mailRecipients
    currencySymbol: currencySymbol
    transactionLink: empty(transactionLink) ? '${intake.outputs.url}/api/transactions/' : transactionLink
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
  }
}

module alerts 'app/alerts.bicep' = if (!empty(operators)) {
  scope: group
  params: {
    location: location
    tags: tags
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
    operators: map(split(operators, ';'), address => trim(address))
  }
}

// azd's own names.
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = worker.outputs.registry
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_TENANT_ID string = tenant().tenantId

// For infra/hooks and for people.
output INTAKE_URL string = intake.outputs.url
output AZURE_STORAGE_QUEUE_SERVICE_URI string = storage.outputs.queueServiceUri
output DATABASE_SERVER string = database.outputs.server
output DATABASE_NAME string = database.outputs.name
output DATABASE_SERVER_ID string = database.outputs.serverId
output SIGNING_KEY_URI string = vault.outputs.signingKeyUri
output FUNCTION_KEYS_VAULT string = intake.outputs.keysVaultName
output INTAKE_IDENTITY_NAME string = identities.outputs.intake.name
output INTAKE_IDENTITY_CLIENT_ID string = identities.outputs.intake.clientId
output WORKER_IDENTITY_NAME string = identities.outputs.worker.name
output WORKER_IDENTITY_CLIENT_ID string = identities.outputs.worker.clientId
