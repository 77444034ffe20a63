namespace PageFold.Cli;

/// <summary>Where JSON goes. A file is opened before the work begins, so that a wrong path is found out at once, and replaced whole at its end.</summary>
internal sealed class JsonTarget
{
    private readonly string? _path;

    public JsonTarget(string target)
    {
        if (target == "-")
            return;
        _path = Path.GetFullPath(target);
        string? folder = Path.GetDirectoryName(_path);
        if (Directory.Exists(_path) || !Directory.Exists(folder))
            throw new UserErrorException($"--json {target} cannot be written; name a file in a folder that exists, or - for standard output.");
        try
        {
            using FileStream probe = new(Temporary, FileMode.Create, FileAccess.Write);
            probe.Close();
            File.Delete(Temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--json {target} cannot be written ({e.Message.TrimEnd('.')}); choose another file, or - for standard output.", e);
        }
    }

    public bool IsStandardOutput => _path is null;

    private string Temporary => $"{_path}.{Environment.ProcessId}.tmp";

    public void Write(string json)
    {
        if (_path is null)
        {
            Console.Out.WriteLine(json);
            return;
        }
        File.WriteAllText(Temporary, json + "\n");
        File.Move(Temporary, _path, overwrite: true);
    }
}
