using System.Net;
using FinanceIngest.FunctionDriver.Protocol;
using FinanceIngest.FunctionDriver.Worker;

namespace FinanceIngest.FunctionDriver.Http;

/// <summary>Serves HTTP in front of the worker. Like the platform, it answers 401 and 404 by itself, without a body.</summary>
internal sealed class FrontEnd(DriverOptions options, WorkerChannel worker)
{
    // The Functions host's limit, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT.
    private const long MaximumBodyBytes = 104_857_600;

    public WebApplication Build(IReadOnlyList<HttpFunction> functions)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, options.Port);
            kestrel.Limits.MaxRequestBodySize = MaximumBodyBytes;
        });
        WebApplication app = builder.Build();
        app.UseRouting();
        app.Use(HideWrongMethods);
        foreach (HttpFunction function in functions)
        {
            app.MapMethods(function.Route, function.Methods, context => AnswerAsync(function, context)).WithMetadata(function);
        }

        return app;
    }

    // ASP.NET Core answers a wrong method with 405 from an endpoint of its own. The Functions host finds no route for such a request and answers 404.
    private static Task HideWrongMethods(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<HttpFunction>() is null)
        {
            context.SetEndpoint(null);
        }

        return next(context);
    }

    private async Task AnswerAsync(HttpFunction function, HttpContext context)
    {
        if (!IsAllowed(function.Level, context.Request))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        try
        {
            InvocationRequest request = await HttpTranslation.ToInvocationAsync(function, context);
            InvocationResponse response = await worker.InvokeAsync(request, context.RequestAborted);
            if (response.Result.Status == StatusResult.Types.Status.Success)
            {
                await HttpTranslation.WriteAsync(response.ReturnValue.Http, context);
                return;
            }

            DriverLog.Write($"{function.Name} failed: {response.Result.Exception?.Message}");
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        }
        catch (TimeoutException)
        {
            context.Response.StatusCode = StatusCodes.Status504GatewayTimeout;
        }
        catch (WorkerException)
        {
            context.Response.StatusCode = StatusCodes.Status502BadGateway;
        }
    }

    private bool IsAllowed(KeyLevel level, HttpRequest request)
    {
        if (level == KeyLevel.Anonymous || (options.FunctionKey is null && options.AdminKey is null))
        {
            return true;
        }

        string? given = request.Headers["x-functions-key"].FirstOrDefault() ?? request.Query["code"].FirstOrDefault();
        return given is not null && (given == options.AdminKey || (level == KeyLevel.Function && given == options.FunctionKey));
    }
}
