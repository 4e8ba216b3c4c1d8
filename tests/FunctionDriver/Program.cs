using FinanceIngest.FunctionDriver;

return await DriverCommand.RunAsync(args);
