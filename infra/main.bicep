// This template deploys everything that FinanceIngest needs in Azure: run "azd up" in the repository's root. docs/azure.md explains the choices and estimates
// the cost.
targetScope = 'subscription'

@minLength(1)
@maxLength(48)
@description('Name of the azd environment. The resource group is named after it.')
param environmentName string

@minLength(1)
@description('Region of all resources. The region must offer Flex Consumption.')
param location string

@description('Object id of the user, group or application that administers and prepares the database. Prefer a group: it outlasts its members.')
param administratorId string = deployer().objectId

@description('Display name of the administrator, as the portal shows it.')
param administratorName string = empty(deployer().userPrincipalName) ? deployer().objectId : deployer().userPrincipalName

@allowed(['User', 'Group', 'ServicePrincipal'])
@description('Kind of principal that administratorId identifies.')
param administratorType string = 'User'

@description('Recipients of the anomaly mail, separated by semicolons. If empty, the Logic App is deployed in the state Disabled.')
param mailRecipients string = ''

@description('Operators who are mailed when an alert rule fires (docs/operations.md), separated by semicolons. If empty, no rules are created.')
param operators string = ''

@description('Currency symbol in the anomaly mail.')
param currencySymbol string = '₹'

@description('URL in the mail, to which the transaction id is appended. If empty, it is the status endpoint of the intake, which needs a key.')
param transactionLink string = ''

@description('Whether the database uses the free monthly amount of Azure SQL, which a subscription has for ten databases.')
param sqlFreeLimit bool = true

@allowed(['AutoPause', 'BillOverUsage'])
@description('When the free amount is used up, AutoPause lets messages wait in the queue until the next month; BillOverUsage goes on at a cost.')
param sqlFreeLimitExhausted string = 'AutoPause'

@allowed([1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 32, 40, 80])
@description('Maximum vCores of the database. The free amount allows up to 4. From 6 on, an awake database is billed for at least an eighth of them.')
param sqlMaxVcores int = 2

@minValue(1)
@maxValue(300)
@description('Maximum number of worker replicas. Each replica opens its own database connections, so raise sqlMaxVcores along with it.')
param workerMaxReplicas int = 5

@minValue(1)
@description('Inbound messages per worker replica. A worker receives up to 32 messages with one call, so 64 is one batch held and one waiting.')
param workerQueueLength int = 64

@description('Image of the worker. azd sets it with its first deployment; until then a placeholder runs.')
param workerImage string = ''

@description('Nobody can purge a deleted key vault for 90 days; one vault holds the signing key. Set to false only for throw-away environments.')
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

// azd expects these names.
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = worker.outputs.registry
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_TENANT_ID string = tenant().tenantId

// infra/hooks and administrators use these outputs.
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
