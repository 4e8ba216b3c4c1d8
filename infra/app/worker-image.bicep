// This module reads the image that the worker runs, so that a deployment of the template keeps it. It is a module of its own because the worker's module
// declares the same app, and a template can't both declare and read a resource.
param name string
param exists bool

resource app 'Microsoft.App/containerApps@2025-07-01' existing = if (exists) {
  name: name
}

@description('The image, or nothing where the app does not exist yet.')
output image string = exists ? app!.properties.template.containers[0].image : ''
