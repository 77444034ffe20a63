using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PageFold.CacheBench;

/// <summary>Runs a measurement in a process of its own, whose heap and settings are its alone.</summary>
internal static class ChildProcess
{
    /// <summary>The name of the command that only this executable calls.</summary>
    public const string Worker = "worker";

    /// <summary>Runs this executable's worker and returns what it reports.</summary>
    /// <param name="work">What to measure.</param>
    /// <param name="request">The request.</param>
    /// <param name="requestType">How the request is written.</param>
    /// <param name="reportType">How the report is read.</param>
    /// <param name="environment">Variables to set.</param>
    /// <param name="reason">Why there is no report: the process failed.</param>
    /// <param name="cancellation">Ends the process.</param>
    /// <returns>Null if the process failed.</returns>
    public static TReport? Run<TRequest, TReport>(
        string work,
        TRequest request,
        JsonTypeInfo<TRequest> requestType,
        JsonTypeInfo<TReport> reportType,
        IReadOnlyDictionary<string, string> environment,
        out string reason,
        CancellationToken cancellation)
        where TReport : class
    {
        string program = Path.Combine(AppContext.BaseDirectory, $"{typeof(ChildProcess).Assembly.GetName().Name}.dll");
        ProcessStartInfo start = new("dotnet", [program, Worker, work, JsonSerializer.Serialize(request, requestType)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        using CancellationTokenRegistration end = cancellation.Register(process.Kill);
        Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        cancellation.ThrowIfCancellationRequested();
        if (process.ExitCode == 0)
        {
            reason = string.Empty;
            return JsonSerializer.Deserialize(output, reportType);
        }
        string said = error.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? "killed for want of memory?";
        reason = $"its process ended with exit code {process.ExitCode} ({said.Trim()})";
        return null;
    }
}
