//! Settings: defaults, mistakes, unknown keys, and the README that tells of them.

use crate::components;
use std::fs;

#[test]
fn a_component_lives_in_the_folder_of_its_name_with_a_readme() {
    for component in components() {
        let readme = component.folder().join("README.md");
        let text = fs::read_to_string(&readme).unwrap_or_else(|error| panic!("{}: {error}", readme.display()));
        let heading = text.lines().next().unwrap_or_default();
        assert!(heading.contains(component.meta.name), "{}: `{heading}` does not name it", readme.display());
        assert!(!component.meta.readme.is_empty(), "{} does not embed its README", component.meta.name);
        assert!(!component.meta.summary.is_empty(), "{} has no summary", component.meta.name);
    }
}

#[test]
fn the_defaults_of_every_component_build_or_say_why_not() {
    for component in components() {
        let file = component.folder().join("testdata/default.yaml");
        let yaml = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if let Err(error) = component.try_build(&yaml) {
            panic!("{}: {error}", file.display());
        }
    }
}

#[test]
fn every_mistake_is_refused() {
    let mut mistakes = 0;
    for component in components() {
        for entry in fs::read_dir(component.folder().join("testdata")).expect("the folder was read before") {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with("invalid_") && name.ends_with(".yaml") {
                mistakes += 1;
                let yaml = fs::read_to_string(&path).expect("a readable file");
                assert!(component.try_build(&yaml).is_err(), "{} was accepted", path.display());
            }
        }
    }
    assert!(mistakes > 10, "hardly any mistakes are tried");
}

#[test]
fn an_unknown_key_is_refused_with_its_place() {
    for component in components() {
        let error = component.try_build("surely_no_setting: 1\n").expect_err(component.meta.name);
        assert!(error.contains("surely_no_setting"), "{}: {error}", component.meta.name);
        assert!(error.contains("test.yaml:1:1"), "{}: {error}", component.meta.name);
    }
}

#[test]
fn the_readme_names_every_setting() {
    for component in components() {
        let readme = fs::read_to_string(component.folder().join("README.md")).expect("it was read before");
        let schema = serde_json::to_value((component.schema)()).expect("a schema is JSON");
        let Some(properties) = schema["properties"].as_object() else { continue };
        for name in properties.keys() {
            let named = readme.contains(&format!("`{name}`"))
                || readme.contains(&format!("`{name}."))
                || readme.contains(&format!("{name}:"));
            assert!(named, "{}: the README does not tell of `{name}`", component.meta.name);
        }
    }
}
